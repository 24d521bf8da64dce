import type { LogRange, MetricQuery, Stage } from './tree.ts';

/** Records that count for an evaluation time T: those in (T - longest, T - shortest], ns. */
export type Reach = { longest: bigint; shortest: bigint };

/** Stages that look at nothing but the record. */
const pure = new Set<Stage['kind']>([
  'line_filter',
  'json',
  'logfmt',
  'pattern',
  'regexp',
  'unpack',
  'decolorize',
  'drop',
  'keep',
  'label_filter',
]);

/** A stage that may answer differently at another time of asking: searches know dates such as `now-1h`, templates have `now`. */
const asksTheClock = (stage: Stage): boolean =>
  !pure.has(stage.kind) &&
  !(
    (stage.kind === 'line_format' || stage.kind === 'label_format') &&
    !/\b(?:now|date|ago)\b/i.test(JSON.stringify(stage))
  );

function rangesOf(query: MetricQuery): LogRange[] {
  switch (query.kind) {
    case 'range':
      return [query.range];
    case 'vector_aggregation':
    case 'label_replace':
      return rangesOf(query.inner);
    case 'binary':
      return [...rangesOf(query.left), ...rangesOf(query.right)];
    case 'vector':
    case 'literal':
      return [];
  }
}

/** The reach of all ranges of a query together. Undefined when it has none, or when its answer depends on more than the records in reach. */
export function reachOf(query: MetricQuery): Reach | undefined {
  const ranges = rangesOf(query);
  if (ranges.length === 0 || ranges.some(range => range.stages.some(asksTheClock))) return undefined;
  const least = (values: bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a));
  return {
    longest: -least(ranges.map(range => -(range.rangeNs + range.offsetNs))),
    shortest: least(ranges.map(range => range.offsetNs)),
  };
}
