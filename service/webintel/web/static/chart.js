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
  const short = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });

  // What is along the bottom: its name, a tick's text, a point's text, the distances between ticks.
  const AXES = {
    day: { name: "Day", tick: dated, point: dated, incrs: DAYS },
    time: { name: "Time", tick: timed, point: (at) => `${dated(at)}, ${time.format(at * 1000)}` },
    weeks: { name: "Weeks", tick: String, point: String, incrs: [1, 2, 4, 13, 26, 52] },
  };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // A value between two holes is on no line.
  const lone = (values) => values.some((value, at) => value != null && values[at - 1] == null && values[at + 1] == null);

  function series(one, kind, unit) {
    const stroke = colour(one.tone ?? "accent");
    const bars = kind !== "line";
    return {
      label: one.name,
      value: (_, value, __, at) => (at == null || one.values[at] == null ? "" : `${one.values[at]}${unit}`),
      stroke,
      width: bars ? 0 : 1.75,
      fill: bars ? stroke : undefined,
      paths: bars ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
      points: { show: !bars && lone(one.values), size: 5, fill: stroke },
      spanGaps: false,
    };
  }

  // Layers of bars: each reaches as high as all up to it, so the highest is drawn first and the others over it.
  function layers(all) {
    const sums = all[0].values.map(() => 0);
    return all.map((one) => one.values.map((value, at) => (sums[at] += value ?? 0))).reverse();
  }

  // Bars stand in the middle of their time, the outermost ones too; so does a point that is alone.
  function padded(first, last, kind, times, span) {
    if (times.length === 1) return [times[0] - span / 2, times[0] + span / 2];
    const half = kind !== "line" ? (times[1] - times[0]) / 2 : 0;
    return [first - half, last + half];
  }

  function draw(place) {
    const data = JSON.parse(document.getElementById(place.dataset.plot).textContent);
    const { at, kind, unit, most } = data;
    const bottom = AXES[data.axis];
    const shown = kind === "stack" ? [...data.series].reverse() : data.series;
    const whole = !unit && shown.every((one) => one.values.every((value) => value == null || Number.isInteger(value)));
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const top = (highest) => most ?? (highest ? highest * 1.1 : 1);
    place.replaceChildren();
    place.plot = new uPlot({
      width: Math.max(place.clientWidth, 100),
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: data.axis !== "weeks", range: (_, first, last) => padded(first, last, kind, at, data.axis === "weeks" ? 1 : DAY) }, y: { range: (_, least, highest) => [Math.min(0, least ?? 0), top(highest)] } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map(bottom.tick), ...(bottom.incrs ? { incrs: bottom.incrs } : {}) },
        { ...axis, size: 52, values: (_, ticks) => ticks.map((tick) => (whole && !Number.isInteger(tick) ? "" : `${short.format(tick)}${unit}`)) },
      ],
      series: [{ label: bottom.name, value: (_, point) => (point === null ? "" : bottom.point(point)) }, ...shown.map((one) => series(one, kind, unit))],
    }, [at, ...(kind === "stack" ? layers(data.series) : shown.map((one) => one.values))], place);
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
