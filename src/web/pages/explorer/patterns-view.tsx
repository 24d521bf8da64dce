import { Fragment, useMemo, useState } from 'react';
import type { PatternsAnswer } from '../../../query/contract.ts';
import { cleanText } from '../../parts/clean-text.ts';
import { shortCount } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { levelLetter, levelOf, levelOrder } from '../../parts/level.ts';
import { usePreferences } from '../../parts/preferences.ts';
import { readJsonLine } from './json-line.ts';
import { markNew, newFirst, type OrderedPattern } from './pattern-order.ts';
import { clockText, dateText } from './time-format.ts';
import { millisOf, type Span } from './time-range.ts';
import type { Panel } from './use-panel.ts';

type Order = 'count' | 'first';

const chartWidth = 120;
const chartHeight = 18;

/** The kinds of lines among all matching records: how many of each, when, and since when. A click narrows the query to one, or hides it. */
export function PatternsView({
  panel,
  span,
  onPattern,
}: {
  panel: Panel<PatternsAnswer>;
  span: Span;
  onPattern: (pattern: string, operator: '|>' | '!>') => void;
}) {
  const [order, setOrder] = useState<Order>('count');
  const { zone, json } = usePreferences();
  const { data, error, loading } = panel;
  const patterns = useMemo(() => (data ? markNew(data) : []), [data]);
  if (error)
    return (
      <div className="panel-error" role="alert" data-testid="patterns-error">
        Patterns: {error.message}
      </div>
    );
  if (!data)
    return (
      <p className="patterns-note" role="status">
        {loading ? 'Counting patterns …' : ''}
      </p>
    );
  const most = Math.max(1, ...patterns.map(({ total }) => total));
  const sorted = order === 'count' ? patterns : newFirst(patterns);
  const oneDay = span.to - span.from <= 86_400_000;
  const moment = (ns: string) => {
    const ms = millisOf(ns);
    return oneDay
      ? clockText(ms, zone).slice(0, 8)
      : `${dateText(ms, zone).slice(5)} ${clockText(ms, zone).slice(0, 5)}`;
  };
  const head = (name: string, by: Order, title: string) => (
    <th scope="col" aria-sort={order === by ? 'descending' : 'none'}>
      <button type="button" className="patterns-sort" title={title} onClick={() => setOrder(by)}>
        {name}
        {order === by ? ' ↓' : ''}
      </button>
    </th>
  );
  return (
    <div className="patterns" aria-busy={loading} data-testid="patterns">
      {data.partial && <p className="flag">Partial: {data.reason ?? 'the server did not say why'}</p>}
      <table>
        <thead>
          <tr>
            {head('Records', 'count', 'Most records first')}
            <th scope="col">When</th>
            {head('First', 'first', 'What is new in the range stands first, in the order in which it began')}
            <th scope="col">Level</th>
            <th scope="col" className="pattern-head">
              Pattern
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(pattern => (
            <tr key={pattern.pattern} data-testid="pattern">
              <td className="pattern-count" title={`${pattern.total.toLocaleString('en')} records`}>
                <i className="share" style={{ width: `${(pattern.total / most) * 100}%` }} />
                <span>{shortCount(pattern.total)}</span>
              </td>
              <td>
                <Spark pattern={pattern} step={data.step} span={span} />
              </td>
              <td className="pattern-first" title={`last ${moment(pattern.last)}`}>
                {moment(pattern.first)}
                {pattern.isNew && (
                  <span
                    className="pattern-new"
                    title="Not there in the first part of the range, although it is frequent since"
                    data-testid="pattern-new"
                  >
                    new
                  </span>
                )}
              </td>
              <td>
                <Levels levels={pattern.levels} />
              </td>
              <td className="pattern-text">
                <button
                  type="button"
                  className="pattern-open"
                  title="Show these records"
                  onClick={() => onPattern(pattern.pattern, '|>')}
                >
                  <Text pattern={pattern.pattern} asSent={json === 'as sent'} />
                </button>
                <button
                  type="button"
                  className="quiet pattern-hide"
                  title="Hide these records"
                  data-testid="pattern-hide"
                  onClick={() => onPattern(pattern.pattern, '!>')}
                >
                  <Icon name="minus" />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {data.others > 0 && (
        <p className="patterns-note" data-testid="patterns-others">
          {data.others.toLocaleString('en')} more records are of rarer patterns.
        </p>
      )}
    </div>
  );
}

/** What varies is dimmed. Of a colour whose number varies only the number is left. */
function Text({ pattern, asSent }: { pattern: string; asSent: boolean }) {
  const read = asSent ? null : readJsonLine(pattern);
  if (!read) return <Gaps text={pattern} />;
  return (
    <>
      <Gaps text={read.text} />
      {read.fields && (
        <span className="row-tail">
          {'  '}
          <Gaps text={read.fields} />
        </span>
      )}
    </>
  );
}

function Gaps({ text }: { text: string }) {
  return text.split('<_>').map((part, i) => (
    // Parts stand where they stand: the place is what a part is.
    <Fragment key={`${i}.${part}`}>
      {i > 0 && <i className="pattern-gap">&lt;_&gt;</i>}
      {cleanText(part.replace(/\u001b\[$/, ''))}
    </Fragment>
  ));
}

function Levels({ levels }: { levels: Record<string, number> }) {
  const present = levelOrder.filter(level => (levels[level] ?? 0) > 0);
  return (
    <span className="pattern-levels">
      {present.map(level => (
        <span
          key={level}
          className="badge"
          style={{ background: `var(--level-${levelOf(level)})` }}
          title={`${level}: ${(levels[level] ?? 0).toLocaleString('en')}`}
        >
          {levelLetter(level)}
        </span>
      ))}
    </span>
  );
}

/** Bars over the range; heights compare within one pattern only. */
function Spark({ pattern, step, span }: { pattern: OrderedPattern; step: number; span: Span }) {
  const first = Math.floor(span.from / 1000 / step);
  const count = Math.max(1, Math.ceil(span.to / 1000 / step) - first);
  const high = Math.max(...pattern.series.map(([, n]) => n));
  const width = chartWidth / count;
  const bars = pattern.series.map(([t, n]) => {
    const x = (Math.round(t / step) - first) * width;
    const height = Math.max(1, (n / high) * chartHeight);
    return `M${x.toFixed(1)} ${chartHeight}v-${height.toFixed(1)}h${Math.max(1, width - 0.5).toFixed(1)}V${chartHeight}z`;
  });
  return (
    <svg
      className="spark"
      width={chartWidth}
      height={chartHeight}
      viewBox={`0 0 ${chartWidth} ${chartHeight}`}
      role="img"
      aria-label={`at most ${high.toLocaleString('en')} records in ${step} s`}
    >
      <path d={bars.join('')} />
    </svg>
  );
}
