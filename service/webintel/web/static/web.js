// What pages do beyond htmx: each of them works without it too.
"use strict";

// Nobody looks at a hidden page, so it asks for nothing.
document.addEventListener("htmx:before:request", (event) => {
  const trigger = event.target.getAttribute?.("hx-trigger") ?? "";
  const streaming = event.target.closest?.("[data-streaming]");
  if ((document.hidden || streaming) && trigger.startsWith("every")) event.preventDefault();
});

// While a stream tells what happens, nothing need be asked; when it breaks, asking goes on until it is back.
document.addEventListener("htmx:sse:after:connection", (event) => { event.target.dataset.streaming = ""; });
for (const name of ["before:connection", "error", "close"]) {
  document.addEventListener(`htmx:sse:${name}`, (event) => { delete event.target.dataset?.streaming; });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    const word = button.firstElementChild;
    word.textContent = "Copied";
    setTimeout(() => { word.textContent = "Copy"; }, 2000);
  }
  // A menu closes where one goes on.
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A form that changes something is sent once, however often one clicks.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "true";
  event.submitter?.setAttribute("aria-busy", "true");
});

// Back from the browser's memory, it can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});
