// Draws the plots of parts/charts.html; their tables are on the page already.
"use strict";
(() => {
  const HEIGHT = 200;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function series(one, kind) {
    const stroke = colour(one.tone ?? "accent");
    const bars = kind === "bars";
    return {
      label: one.name,
      stroke,
      width: bars ? 0 : 1.75,
      fill: bars ? stroke : undefined,
      paths: bars ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
      points: { show: !bars && one.values.length < 3 },
      spanGaps: false,
    };
  }

  function draw(place) {
    const { times, series: all, kind, unit } = JSON.parse(document.getElementById(place.dataset.plot).textContent);
    const quiet = colour("quiet");
    const axis = { stroke: quiet, grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    place.replaceChildren();
    const plot = new uPlot({
      width: Math.max(place.clientWidth, 100),
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_, least, most) => [Math.min(0, least ?? 0), Math.max(most ?? 0, 1e-9) * 1.1] } },
      axes: [axis, { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => `${tick}${unit}`) }],
      series: [{ label: "Time", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...all.map((one) => series(one, kind))],
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
