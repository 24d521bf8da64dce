import type { LoadedRecord } from '../script.ts';

/**
 * Reference evaluator for LogQL: plain loops over records in memory, written from the meaning of the language and not from the SQL that src/language
 * makes. It exists to be compared with the real path, so it shares nothing with it but the tree. Regular expressions run in V8, which is fine for
 * the harmless ones that tests make.
 */
export type Category = 'stream' | 'metadata' | 'parsed';

/** A line on its way through a pipeline. A label name is in one category at most. */
export type Line = {
  readonly timeNs: bigint;
  readonly seq: number;
  /** Names that the record itself has: what parsers find under these names becomes `<name>_extracted`. */
  readonly stored: ReadonlySet<string>;
  text: string;
  labels: Record<Category, Map<string, string>>;
  error: string;
};

/** A stored label or attribute with an empty value counts as missing. */
const present = (labels: Record<string, string>): [string, string][] =>
  Object.entries(labels).filter(([, value]) => value !== '');

export function lineOf(record: LoadedRecord, seq: number): Line {
  const stream = new Map(present({ service_name: 'svc', ...record.labels }));
  const own = present({ detected_level: 'unknown', ...record.metadata });
  const metadata = new Map(own.map(([name, value]) => [stream.has(name) ? `${name}_extracted` : name, value]));
  return {
    timeNs: record.timeNs,
    seq,
    stored: new Set([...stream.keys(), ...own.map(([name]) => name)]),
    text: record.line,
    labels: { stream, metadata, parsed: new Map() },
    error: '',
  };
}

/** The value of a label, undefined when the line has none of that name. */
export function labelOf(line: Line, name: string): string | undefined {
  if (name === '__error__') return line.error === '' ? undefined : line.error;
  return line.labels.parsed.get(name) ?? line.labels.metadata.get(name) ?? line.labels.stream.get(name);
}

export function removeLabel(line: Line, name: string): void {
  for (const labels of Object.values(line.labels)) labels.delete(name);
}

export function setLabel(line: Line, category: Category, name: string, value: string): void {
  removeLabel(line, name);
  line.labels[category].set(name, value);
}

/** What a parser found, in order. The first of equal names wins, also over what later parsers find. */
export function addExtracted(line: Line, pairs: readonly (readonly [string, string])[]): void {
  for (const [name, value] of pairs) {
    const target = line.stored.has(name) ? `${name}_extracted` : name;
    if (name === '' || line.labels.parsed.has(target)) continue;
    line.labels.metadata.delete(target);
    line.labels.parsed.set(target, value);
  }
}

/** All labels of a line: what tells series apart. */
export const allLabels = (line: Line): Map<string, string> =>
  new Map([...line.labels.stream, ...line.labels.metadata, ...line.labels.parsed]);

/** A label that a stage names: it stands before what was found under the name earlier. */
export function putExtracted(line: Line, name: string, value: string): void {
  const target = line.stored.has(name) ? `${name}_extracted` : name;
  line.labels.metadata.delete(target);
  line.labels.parsed.set(target, value);
}

/** A key of a parser as a label name. */
export const labelName = (key: string): string =>
  key
    .trim()
    .replace(/[^A-Za-z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_');
