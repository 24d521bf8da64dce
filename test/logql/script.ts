import { tokenize } from '../../src/language/lexer.ts';
import { parseSelector } from '../../src/language/selector.ts';
import { TokenReader } from '../../src/language/reader.ts';

/**
 * Text scripts for the language. A script is a list of blocks: a head line and indented lines.
 *
 *   load                              more records; `clear` starts with none
 *     1s {app="a"} "line" key="v"     time, stream labels, line, structured metadata
 *   logs [forward] [limit N] QUERY    a log query over everything loaded
 *     1s "line" parsed {a="b"} metadata {..} stream {..}   rows in order; label sets are compared where given
 *   instant 10s QUERY                 `{labels} value` per series, in order, or `scalar value`
 *   range 10s 30s 10s QUERY           start end step; `{labels} 10s=1 20s=2` per series
 *   fault QUERY                       the error must contain the text of the line below (checked at 60s when only running shows it)
 *   where CONDITION                   a pipeline condition: the times of the records that match
 *
 * An answer without rows is written `empty`. `service_name="svc"` and `detected_level="unknown"` are what every record has unless said otherwise
 * and are not written in expectations.
 */
export type LoadedRecord = {
  timeNs: bigint;
  labels: Record<string, string>;
  line: string;
  metadata: Record<string, string>;
};
export type Evaluation = {
  line: number;
  kind: 'logs' | 'instant' | 'range' | 'fault' | 'where';
  args: string[];
  query: string;
  expected: string[];
  records: LoadedRecord[];
};

const heads: Record<Evaluation['kind'], RegExp> = {
  logs: /^logs((?: forward)?)((?: limit \d+)?) (.+)$/s,
  instant: /^instant (\S+) (.+)$/s,
  range: /^range (\S+) (\S+) (\S+) (.+)$/s,
  fault: /^fault (.+)$/s,
  where: /^where (.+)$/s,
};

export const epochNs = 1_700_000_000_000_000_000n;
const units: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

export function timeOf(text: string): bigint {
  const [, amount, unit] = /^(-?\d+)(ns|us|ms|s|m|h)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) throw new Error(`bad time ${text}`);
  return BigInt(amount) * (units[unit] ?? 0n);
}

export function labelsOf(text: string): { labels: Record<string, string>; length: number } {
  const reader = new TokenReader(text);
  const labels = Object.fromEntries(parseSelector(reader, true).map(m => [m.name, m.value]));
  return { labels, length: reader.tokens[reader.at - 1]?.to ?? 0 };
}

function recordOf(text: string): LoadedRecord {
  const [time = ''] = text.split(' ');
  const rest = text.slice(time.length + 1);
  const { labels, length } = labelsOf(rest.slice(0, rest.indexOf('}') + 1));
  const [line, ...pairs] = tokenize(rest.slice(length));
  const metadata: Record<string, string> = {};
  for (let i = 0; i + 2 < pairs.length; i += 3) metadata[pairs[i]?.text ?? ''] = pairs[i + 2]?.value ?? '';
  if (line?.type !== 'string') throw new Error(`a record is: time {labels} "line" key="value"..., not ${text}`);
  return { timeNs: timeOf(time), labels, line: line.value, metadata };
}

/** Reads a script; a query without expectation is an error. */
export function readScript(text: string): Evaluation[] {
  const evaluations: Evaluation[] = [];
  let records: LoadedRecord[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; ) {
    const head = lines[at] ?? '';
    const line = ++at;
    if (head.trim() === '' || head.startsWith('#')) continue;
    const block: string[] = [];
    while (at < lines.length && /^(\s+\S|\s*$)/.test(lines[at] ?? '') && (lines[at] ?? '').trim() !== '')
      block.push((lines[at++] ?? '').trim());
    if (head === 'clear') records = [];
    else if (head === 'load') records = [...records, ...block.map(recordOf)];
    else {
      const kind = (Object.keys(heads) as Evaluation['kind'][]).find(k => heads[k].test(head));
      if (kind === undefined) throw new Error(`line ${line}: unknown block ${head}`);
      const found = heads[kind].exec(head)?.slice(1) ?? [];
      if (block.length === 0) throw new Error(`line ${line}: ${kind} without expectation`);
      evaluations.push({
        line,
        kind,
        args: found.slice(0, -1),
        query: found.at(-1) ?? '',
        expected: block[0] === 'empty' ? [] : block,
        records,
      });
    }
  }
  return evaluations;
}
