/**
 * What runs in the report: the timeline as panels of uPlot over one time axis. Dragging zooms all of them, a double click
 * shows everything again, and buttons do the same for fingers.
 */
export const SCRIPT = `
'use strict';
(function () {
  const runs = JSON.parse(document.getElementById('timelines').textContent);
  const holder = document.getElementById('timeline');
  const choice = document.getElementById('run');
  let panels = [];
  let full = [0, 1];
  let busy = false;

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const figure = (value) => (value == null ? '–' : String(Number(value.toPrecision(4))));
  const gapless = (values) => values.map((value) => (value > 0 ? value : null));

  function showSpan(from, to) {
    if (busy) return;
    busy = true;
    const width = Math.max(to - from, (full[1] - full[0]) / 5000);
    const start = Math.min(Math.max(from, full[0]), full[1] - Math.min(width, full[1] - full[0]));
    const end = Math.min(start + width, full[1]);
    for (const panel of panels) panel.setScale('x', { min: start, max: end });
    busy = false;
    document.documentElement.dataset.from = start;
    document.documentElement.dataset.to = end;
  }

  function span() {
    const { min, max } = panels[0].scales.x;
    return [min, max];
  }

  function axis(more) {
    return Object.assign(
      { stroke: css('--ink'), grid: { stroke: css('--line'), width: 1 }, ticks: { stroke: css('--line'), width: 1 } },
      more,
    );
  }

  function marks(run) {
    return (u) => {
      const { ctx, bbox } = u;
      ctx.save();
      for (const [times, color, length] of [[run.syncs, css('--quiet'), 6], [run.steps, css('--accent'), bbox.height]]) {
        ctx.strokeStyle = color;
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash(length > 6 ? [2, 4] : []);
        ctx.beginPath();
        for (const time of times) {
          const x = u.valToPos(time, 'x', true);
          if (x < bbox.left || x > bbox.left + bbox.width) continue;
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + (length > 6 ? bbox.height : length * devicePixelRatio));
        }
        ctx.stroke();
      }
      ctx.restore();
    };
  }

  function panelOf(run, spec, last) {
    const log = spec.log;
    const series = spec.series.map((one) => ({
      label: one.name,
      stroke: one.color === 'currentColor' ? css('--ink') : one.color,
      width: 1.5,
      dash: one.dash || undefined,
      points: { show: false },
      spanGaps: true,
      value: (u, value) => figure(value),
    }));
    const y = log
      ? { distr: 3 }
      : { range: (u, min, max) => [0, spec.top || (max > 0 ? max * 1.08 : 1)] };
    const options = {
      title: spec.title,
      width: holder.clientWidth,
      height: last ? 190 : 160,
      cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false } },
      legend: { live: true },
      scales: { x: { time: false }, y },
      axes: [
        axis({ label: last ? 'time since migrate (s)' : undefined, labelSize: 18, size: 30 }),
        axis(Object.assign({ size: 72, values: (u, ticks) => ticks.map(figureOfTick) }, log ? decades : {})),
      ],
      series: [{ label: 'time', value: (u, value) => (value == null ? '–' : figure(value) + ' s') }].concat(series),
      hooks: {
        draw: [marks(run)],
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, 'x');
            const to = u.posToVal(u.select.left + u.select.width, 'x');
            u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            showSpan(from, to);
          },
        ],
      },
    };
    const data = [run.time].concat(spec.series.map((one) => (log ? gapless(one.values) : one.values)));
    const place = document.createElement('div');
    place.className = 'panel';
    holder.appendChild(place);
    const plot = new uPlot(options, data, place);
    plot.over.addEventListener('dblclick', () => showSpan(full[0], full[1]));
    return plot;
  }

  const onlyDecades = (u, splits) => splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));
  const decades = {
    filter: onlyDecades,
    grid: { stroke: css('--line'), width: 1, filter: onlyDecades },
    ticks: { stroke: css('--line'), width: 1, filter: onlyDecades },
  };

  function figureOfTick(value) {
    if (value == null) return '';
    return String(Number(value.toPrecision(3))).replace(/\\B(?=(\\d{3})+$)/g, '\\u2009');
  }

  function show(index, from, to) {
    const run = runs[index];
    holder.textContent = '';
    full = [0, run.time[run.time.length - 1]];
    panels = run.panels.map((spec, at) => panelOf(run, spec, at === run.panels.length - 1));
    showSpan(from == null ? full[0] : from, to == null ? full[1] : to);
  }

  const act = {
    in: ([from, to]) => [from + (to - from) / 4, to - (to - from) / 4],
    out: ([from, to]) => [from - (to - from) / 2, to + (to - from) / 2],
    left: ([from, to]) => [from - (to - from) / 2, to - (to - from) / 2],
    right: ([from, to]) => [from + (to - from) / 2, to + (to - from) / 2],
    all: () => full,
  };
  for (const button of document.querySelectorAll('button[data-act]')) {
    button.addEventListener('click', () => showSpan(...act[button.dataset.act](span())));
  }
  choice.addEventListener('change', () => show(choice.selectedIndex));
  let width = 0;
  new ResizeObserver(() => {
    if (holder.clientWidth === width) return;
    width = holder.clientWidth;
    for (const panel of panels) panel.setSize({ width, height: panel.height });
  }).observe(holder);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => show(choice.selectedIndex, ...span()));
  show(0);
})();
`;
