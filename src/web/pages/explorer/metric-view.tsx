import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { numberText } from '../../parts/format.ts';
import { usePreferences } from '../../parts/preferences.ts';
import { axes, dateIn } from './chart.ts';
import type { Series } from './result.ts';
import { momentText } from './time-format.ts';

const seriesMax = 50;

/** The answer to a metric query: lines over time and the latest value of each series. */
export function MetricView({ series, version }: { series: readonly Series[]; version: number }) {
  const { zone, theme } = usePreferences();
  const host = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => series.slice(0, seriesMax), [series, version]);
  const data = useMemo(() => aligned(shown), [shown]);
  const [cursor, setCursor] = useState<number | null>(null);
  const at = cursor === null ? undefined : data[0][cursor];
  useEffect(() => {
    const node = host.current;
    if (!node || !shown.length) return;
    const size = () => ({ width: node.clientWidth, height: Math.max(180, Math.min(420, innerHeight * 0.4)) });
    const chart = new uPlot(
      {
        ...size(),
        legend: { show: false },
        tzDate: seconds => dateIn(seconds, zone),
        cursor: { y: false, drag: { setScale: false } },
        axes: axes(node, zone),
        hooks: { setCursor: [at => setCursor(at.cursor.idx ?? null)] },
        series: [
          {},
          ...shown.map((_, i) => ({
            stroke: colourOf(i),
            width: 1.5,
            spanGaps: false,
            points: { show: shown.length < 5, size: 4 },
          })),
        ],
      },
      data,
      node,
    );
    const resized = new ResizeObserver(() => chart.setSize(size()));
    resized.observe(node);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
  }, [shown, zone, theme]);
  return (
    <div className="metric" data-testid="metric">
      <div ref={host} />
      {series.length > seriesMax && (
        <p className="flag">
          {seriesMax} of {series.length.toLocaleString('en')} series are drawn; narrow the query with topk or fewer
          grouping labels
        </p>
      )}
      <table>
        <thead>
          <tr>
            <th scope="col">series</th>
            <th scope="col">points</th>
            <th scope="col">{at === undefined ? 'last value' : momentText(at * 1000, zone)}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((each, i) => (
            <tr key={nameOf(each)}>
              <th scope="row">
                <i className="swatch" style={{ background: colourOf(i) }} />
                {nameOf(each)}
              </th>
              <td>{each.values.length.toLocaleString('en')}</td>
              <td>
                {numberText(
                  (at === undefined ? each.values.at(-1) : each.values.find(([time]) => time === at))?.[1] ?? '–',
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Hues apart by the golden angle, so that neighbours differ and any number of series has colours. */
const colourOf = (i: number) => `hsl(${(210 + i * 137.5) % 360} 62% 52%)`;

const nameOf = (series: Series): string =>
  `{${Object.entries(series.metric)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`;

function aligned(series: readonly Series[]): uPlot.AlignedData {
  const times = [...new Set(series.flatMap(each => each.values.map(([time]) => time)))].toSorted((a, b) => a - b);
  const place = new Map(times.map((time, i) => [time, i]));
  return [
    times,
    ...series.map(each => {
      const values = Array.from<unknown, number | null>(times, () => null);
      for (const [time, value] of each.values) {
        const number = Number(value);
        values[place.get(time) ?? 0] = Number.isFinite(number) ? number : null;
      }
      return values;
    }),
  ];
}
