// Draws the plots of parts/charts.html; their tables are on the page already.
"use strict";
(() => {
  const HEIGHT = 200;
  const DAY = 86400;
  const DAYS = [1, 2, 7, 14, 30, 60, 90].map((days) => days * DAY);
  const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

  const dated = (seconds) => date.format(seconds * 1000);
  const timed = (seconds) => (seconds % DAY ? time.format(seconds * 1000) : dated(seconds));

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function series(one, kind, unit) {
    const stroke = colour(one.tone ?? "accent");
    const bars = kind === "bars";
    return {
      label: one.name,
      value: (_, value) => (value == null ? "" : `${value}${unit}`),
      stroke,
      width: bars ? 0 : 1.75,
      fill: bars ? stroke : undefined,
      paths: bars ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
      points: { show: !bars && one.values.length < 3 },
      spanGaps: false,
    };
  }

  // Bars stand in the middle of their time, the outermost ones too.
  function padded(first, last, kind, times) {
    const half = kind === "bars" ? (times.length > 1 ? times[1] - times[0] : DAY) / 2 : 0;
    return [first - half, last + half];
  }

  function draw(place) {
    const { times, series: all, kind, unit, day } = JSON.parse(document.getElementById(place.dataset.plot).textContent);
    const quiet = colour("quiet");
    const axis = { stroke: quiet, grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    place.replaceChildren();
    const plot = new uPlot({
      width: Math.max(place.clientWidth, 100),
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { drag: { x: false, y: false } },
      scales: { x: { range: (_, first, last) => padded(first, last, kind, times) }, y: { range: (_, least, most) => [Math.min(0, least ?? 0), Math.max(most ?? 0, 1e-9) * 1.1] } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map(day ? dated : timed), ...(day ? { incrs: DAYS } : {}) }, { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => `${tick}${unit}`) }],
      series: [{ label: day ? "Day" : "Time", value: (_, at) => (at === null ? "" : day ? dated(at) : `${dated(at)}, ${time.format(at * 1000)}`) }, ...all.map((one) => series(one, kind, unit))],
    }, [times, ...all.map((one) => one.values)], place);
    place.plot = plot;
  }

  function drawAll() {
    for (const place of document.querySelectorAll("[data-plot]")) {
      const data = document.getElementById(place.dataset.plot).textContent;
      if (place.drawn === data) continue;
      place.drawn = data;
      draw(place);
      place.watcher ??= new ResizeObserver(() => place.plot.setSize({ width: place.clientWidth, height: HEIGHT }));
      place.watcher.observe(place);
    }
  }

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:after:swap", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const place of document.querySelectorAll("[data-plot]")) place.drawn = null;
    drawAll();
  });
})();
