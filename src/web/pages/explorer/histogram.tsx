import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import type { HistogramAnswer } from '../../../query/contract.ts';
import { shortCount } from '../../parts/format.ts';
import { usePreferences } from '../../parts/preferences.ts';
import { axes, dateIn } from './chart.ts';
import type { Histogram as Data } from './histogram-data.ts';
import { stacked } from './histogram-data.ts';
import { momentText, type Zone } from './time-format.ts';
import type { Span } from './time-range.ts';

const chartHeight = 84;

/**
 * Counts by level over the whole range. Drag, or arrow keys with Shift and Enter, select a stretch to zoom into.
 * The same numbers are a table behind the legend's switch.
 */
export function Histogram({ data, onZoom }: { data: Data; onZoom: (span: Span) => void }) {
  const { zone, theme } = usePreferences();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  const [hover, setHover] = useState<{ index: number; left: number } | null>(null);
  const [keys, setKeys] = useState<{ from: number; to: number } | null>(null);

  useEffect(() => {
    const node = host.current;
    if (!node) return;
    const chart = new uPlot(
      chartOptions(node, data, zone, { zoom: span => zoom.current(span), hover: setHover }),
      chartData(data),
      node,
    );
    plot.current = chart;
    const resized = new ResizeObserver(() => chart.setSize({ width: node.clientWidth, height: chartHeight }));
    resized.observe(node);
    // The canvas is painted in colours of the style sheet: paint again when the system changes between dark and light.
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const repaint = () => chart.redraw();
    scheme.addEventListener('change', repaint);
    return () => {
      scheme.removeEventListener('change', repaint);
      resized.disconnect();
      chart.destroy();
    };
  }, [data, zone, theme]);

  useEffect(() => {
    const chart = plot.current;
    if (!chart) return;
    if (!keys) return chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const [low, high] = [Math.min(keys.from, keys.to), Math.max(keys.from, keys.to)];
    const left = chart.valToPos(data.times[low] ?? 0, 'x');
    const right = chart.valToPos((data.times[high] ?? 0) + data.step, 'x');
    chart.setSelect({ left, top: 0, width: right - left, height: chart.over.clientHeight }, false);
  }, [keys, data]);

  const key = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step) {
      const to = clamp((keys?.to ?? (step > 0 ? -1 : data.times.length)) + step, data.times.length);
      setKeys(event.shiftKey && keys ? { from: keys.from, to } : { from: to, to });
    } else if (event.key === 'Enter' && keys) {
      const [low, high] = [Math.min(keys.from, keys.to), Math.max(keys.from, keys.to)];
      setKeys(null);
      onZoom({ from: (data.times[low] ?? 0) * 1000, to: ((data.times[high] ?? 0) + data.step) * 1000 });
    } else if (event.key === 'Escape') setKeys(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const shown = keys ? { index: keys.to, left: plot.current?.valToPos(data.times[keys.to] ?? 0, 'x') ?? 0 } : hover;
  return (
    <div
      className="histogram"
      role="application"
      aria-label="Records over time. Arrow keys choose a bucket, Shift extends, Enter zooms in."
      tabIndex={0}
      onKeyDown={key}
      onBlur={() => setKeys(null)}
      data-testid="histogram"
    >
      <div ref={host} className="histogram-chart" />
      {shown && (
        <Tip data={data} index={shown.index} left={shown.left} zone={zone} width={host.current?.clientWidth ?? 0} />
      )}
      <div className="offscreen" role="status">
        {keys ? bucketText(data, keys.to, zone) : ''}
      </div>
    </div>
  );
}

const clamp = (n: number, size: number) => Math.max(0, Math.min(size - 1, n));

function bucketText(data: Data, index: number, zone: Zone): string {
  const counts = data.levels.filter(level => level.counts[index]).map(level => `${level.name} ${level.counts[index]}`);
  return `${momentText((data.times[index] ?? 0) * 1000, zone)}: ${counts.join(', ') || 'no records'}`;
}

function Tip({
  data,
  index,
  left,
  zone,
  width,
}: {
  data: Data;
  index: number;
  left: number;
  zone: Zone;
  width: number;
}) {
  const from = (data.times[index] ?? 0) * 1000;
  const levels = data.levels.filter(level => level.counts[index]);
  const total = levels.reduce((sum, level) => sum + (level.counts[index] ?? 0), 0);
  const side = left > width - 240 ? { right: width - left + 20 } : { left: left + 60 };
  return (
    <div className="tip" style={side} aria-hidden="true" data-testid="histogram-tip">
      <div className="tip-time">
        {momentText(from, zone)} – {momentText(from + data.step * 1000, zone).slice(11)}
      </div>
      {levels.map(level => (
        <div key={level.name} className={`tip-row level-${level.name}`}>
          <i className="swatch" />
          {level.name}
          <b>{(level.counts[index] ?? 0).toLocaleString('en')}</b>
        </div>
      ))}
      <div className="tip-row tip-total">
        total<b>{total.toLocaleString('en')}</b>
      </div>
    </div>
  );
}

/** The histogram's numbers as a table: for screen readers, for copying, for exact reading. */
export function HistogramTable({ data, zone }: { data: Data; zone: Zone }) {
  return (
    <div className="histogram-table" tabIndex={0} data-testid="histogram-table">
      <table>
        <thead>
          <tr>
            <th scope="col">from</th>
            {data.levels.map(level => (
              <th scope="col" key={level.name}>
                {level.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.times.map((time, i) =>
            data.levels.some(level => level.counts[i]) ? (
              <tr key={time}>
                <th scope="row">{momentText(time * 1000, zone)}</th>
                {data.levels.map(level => (
                  <td key={level.name}>{(level.counts[i] ?? 0).toLocaleString('en')}</td>
                ))}
              </tr>
            ) : null,
          )}
        </tbody>
      </table>
    </div>
  );
}

/** Level names with their counts over the whole range; a click narrows the query to one level or widens it again. */
export function Legend({
  data,
  answer,
  isolated,
  onLevel,
}: {
  data: Data | null;
  answer: HistogramAnswer | null;
  isolated: string | null;
  onLevel: (level: string | null) => void;
}) {
  const levels: { name: string; total: number }[] = data?.levels ?? [];
  // A level that the query is narrowed to stays here even when nothing matches: it has to be clickable to get out.
  const listed =
    isolated && !levels.some(level => level.name === isolated) ? [...levels, { name: isolated, total: 0 }] : levels;
  return (
    <div className="legend" role="group" aria-label="Levels" data-testid="legend">
      {listed.map(level => (
        <button
          type="button"
          key={level.name}
          className={`legend-level level-${level.name} ${isolated === level.name ? 'legend-on' : ''}`}
          aria-pressed={isolated === level.name}
          title={isolated === level.name ? 'Show all levels again' : `Only ${level.name}`}
          data-testid={`legend-${level.name}`}
          onClick={() => onLevel(isolated === level.name ? null : level.name)}
        >
          <i className="swatch" />
          {level.name} <b>{shortCount(level.total)}</b>
        </button>
      ))}
      {answer?.partial && (
        <span className="flag" title={answer.reason ?? ''}>
          counts are partial: {answer.reason}
        </span>
      )}
    </div>
  );
}

/** A bar per level from zero to its running sum, the tallest drawn first. */
function chartData(data: Data): uPlot.AlignedData {
  return [data.times, ...stacked(data).reverse()];
}

function chartOptions(
  node: HTMLElement,
  data: Data,
  zone: Zone,
  on: { zoom: (span: Span) => void; hover: (at: { index: number; left: number } | null) => void },
): uPlot.Options {
  const colour = (name: string) => () => getComputedStyle(node).getPropertyValue(name).trim();
  const bars = uPlot.paths.bars?.({ size: [0.86, 40], align: 1 });
  const last = (data.times.at(-1) ?? 0) + data.step;
  const [time, counts] = axes(node, zone);
  return {
    width: node.clientWidth,
    height: chartHeight,
    // At the right room for half a label of the time axis.
    padding: [6, 18, 0, 0],
    legend: { show: false },
    tzDate: seconds => dateIn(seconds, zone),
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { range: [data.times[0] ?? 0, last] }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] } },
    axes: [
      time,
      {
        ...counts,
        incrs: [1, 2, 5]
          .flatMap(n => [n, n * 10, n * 100, n * 1e3, n * 1e4, n * 1e5, n * 1e6, n * 1e7, n * 1e8])
          .toSorted((a, b) => a - b),
      },
    ],
    series: [
      {},
      ...data.levels
        .map(level => ({ paths: bars, fill: colour(`--level-${level.name}`), points: { show: false }, width: 0 }))
        .reverse(),
    ],
    hooks: {
      setCursor: [
        chart => {
          const { idx, left } = chart.cursor;
          if (left === undefined || left < 0) return on.hover(null);
          // The bucket under the pointer is the one begun before it, not the one whose start is nearest.
          const index = clamp(
            Math.floor((chart.posToVal(left, 'x') - (data.times[0] ?? 0)) / data.step),
            data.times.length,
          );
          on.hover(typeof idx === 'number' ? { index, left } : null);
        },
      ],
      setSelect: [
        chart => {
          const { left, width } = chart.select;
          if (width < 4) return;
          const from = chart.posToVal(left, 'x') * 1000;
          const to = chart.posToVal(left + width, 'x') * 1000;
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          on.zoom({ from, to });
        },
      ],
    },
  };
}
