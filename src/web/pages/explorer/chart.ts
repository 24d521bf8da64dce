import uPlot from 'uplot';
import { shortCount } from '../../parts/format.ts';
import { partsOf, type Zone } from './time-format.ts';

/** A date whose local fields are those of the zone, which is how uPlot wants to be told of zones. */
export function dateIn(seconds: number, zone: Zone): Date {
  if (zone === 'local') return new Date(seconds * 1000);
  return uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC');
}

const two = (n: number) => String(n).padStart(2, '0');

function tickText(tick: number, before: number | undefined, step: number, zone: Zone): string {
  const p = partsOf(tick * 1000, zone);
  const date = `${two(p.month)}-${two(p.day)}`;
  if (step >= 86_400) return date;
  const clock = `${two(p.hour)}:${two(p.minute)}${step < 60 ? `:${two(p.second)}` : ''}${step < 1 ? `.${String(p.milli).padStart(3, '0')}` : ''}`;
  const newDay = before !== undefined && partsOf(before * 1000, zone).day !== p.day;
  return newDay ? `${date} ${clock}` : clock;
}

/** The two axes of the page's charts: 24-hour clock with dates where they change, counts in short form; colours from the style sheet at each painting. */
export function axes(node: HTMLElement, zone: Zone): [uPlot.Axis, uPlot.Axis] {
  const colour = (name: string) => () => getComputedStyle(node).getPropertyValue(name).trim();
  const font = `11px ${getComputedStyle(node).fontFamily}`;
  const grid = { stroke: colour('--line-soft'), width: 1 };
  return [
    {
      stroke: colour('--ink-3'),
      font,
      size: 22,
      gap: 3,
      grid: { show: false },
      ticks: { stroke: colour('--line'), width: 1, size: 4 },
      values: (_, ticks, __, ___, step) => ticks.map((tick, i) => tickText(tick, ticks[i - 1], step, zone)),
    },
    {
      stroke: colour('--ink-3'),
      font,
      size: 48,
      gap: 4,
      space: 18,
      grid,
      ticks: { show: false },
      values: (_, ticks) =>
        ticks.map(tick => (Number.isInteger(tick) ? shortCount(tick) : String(Number(tick.toPrecision(6))))),
    },
  ];
}
