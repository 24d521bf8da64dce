import type { Json as JsonStage, Logfmt } from '../../../src/language/tree.ts';
import { type Json, readJson, scalarText } from './parse-json.ts';
import { addExtracted, labelName, type Line, labelOf, putExtracted } from './record.ts';

type Pair = [string, string];

function flatten(fields: readonly [string, Json][], prefix: string): Pair[] {
  return fields.flatMap(([key, value]): Pair[] => {
    const name = prefix === '' ? key.trim() : `${prefix}_${key}`;
    if (value.type === 'object') return flatten(value.fields, name);
    const text = scalarText(value);
    return text === undefined ? [] : [[labelName(name), text]];
  });
}

/** Scalars as text, others as JSON, null as ''; undefined when there is nothing. */
function atPath(json: Json, path: string): string | undefined {
  let value: Json | undefined = json;
  for (const [, field, index, key] of path.matchAll(/\.?([A-Za-z_]\w*)|\[(\d+)\]|\[("[^"]*")\]/g)) {
    const name = field ?? (key === undefined ? undefined : (JSON.parse(key) as string));
    if (value?.type === 'object' && name !== undefined) value = value.fields.find(([k]) => k === name)?.[1];
    else if (value?.type === 'array' && index !== undefined) value = value.items[Number(index)];
    else value = undefined;
  }
  if (value === undefined) return undefined;
  return value.type === 'object' || value.type === 'array' ? value.raw : (scalarText(value) ?? '');
}

export function json(line: Line, stage: JsonStage): void {
  const value = readJson(line.text);
  if (stage.extractions.length === 0) {
    if (value?.type === 'object') addExtracted(line, flatten(value.fields, ''));
    else line.error = 'JSONParserErr';
  } else if (/^[{["]/.test(line.text)) {
    for (const { name, path } of stage.extractions) {
      const found = value ? atPath(value, path) : undefined;
      // Nothing found gives an empty label, unless there is one of that name.
      if (found !== undefined) putExtracted(line, name, found);
      else if (!line.stored.has(name)) addExtracted(line, [[name, '']]);
    }
  } else if (line.text !== '') line.error = 'JSONParserErr';
}

/** (key, value, ok) of a logfmt line; a broken pair ends at the next blank. */
function logfmtPairs(text: string): { key: string; value: string; ok: boolean }[] {
  const pairs: { key: string; value: string; ok: boolean }[] = [];
  const wellFormed = /([^\0-\x20"=]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\0-\x20"=]*)))?(?=[\0-\x20]|$)/sy;
  for (let at = 0; at < text.length; ) {
    if (/[\0-\x20]/.test(text[at] ?? '')) {
      at++;
      continue;
    }
    wellFormed.lastIndex = at;
    const found = wellFormed.exec(text);
    if (found) {
      const [whole, key = '', quoted, bare = ''] = found;
      pairs.push({ key, value: quoted === undefined ? bare : (JSON.parse(`"${quoted}"`) as string), ok: true });
      at += whole.length;
    } else {
      const broken = /[^\0-\x20]+/.exec(text.slice(at))?.[0] ?? '';
      pairs.push({ key: '', value: '', ok: false });
      at += broken.length;
    }
  }
  return pairs;
}

export function logfmt(line: Line, stage: Logfmt): void {
  const pairs = logfmtPairs(line.text);
  const broken = stage.strict ? pairs.findIndex(pair => !pair.ok) : -1;
  if (broken >= 0) line.error = 'LogfmtParserErr';
  const good = (broken < 0 ? pairs : pairs.slice(0, broken)).filter(pair => pair.ok);
  if (stage.extractions.length === 0) {
    const kept = good.filter(({ value }) => stage.keepEmpty || value !== '');
    addExtracted(
      line,
      kept.map(({ key, value }): Pair => [labelName(key), value]),
    );
  } else
    for (const { name, path } of stage.extractions) {
      const found = good.filter(({ key }) => labelName(key) === path);
      if (line.stored.has(name))
        addExtracted(
          line,
          found.slice(0, 1).map(({ value }): Pair => [name, value]),
        );
      else putExtracted(line, name, found.at(-1)?.value ?? '');
    }
}

export function unpack(line: Line): void {
  const value = readJson(line.text);
  if (value?.type !== 'object') {
    if (line.text !== '') line.error = 'JSONParserErr';
    return;
  }
  // Only what was packed is unpacked: an object without a text `_entry` keeps its fields.
  const strings = value.fields.flatMap(([key, v]): Pair[] => (v.type === 'string' ? [[key, v.value]] : []));
  const entry = strings.find(([key]) => key === '_entry');
  if (entry === undefined) return;
  addExtracted(
    line,
    strings.filter(([key]) => key !== '_entry').map(([key, v]): Pair => [labelName(key), v]),
  );
  line.text = entry[1];
}

export function regexp(line: Line, regex: string): void {
  const groups = new RegExp(regex.replaceAll('(?P<', '(?<')).exec(line.text)?.groups;
  if (groups)
    addExtracted(
      line,
      Object.entries(groups).map(([name, value]): Pair => [name, value ?? '']),
    );
}

/** Captures end at the next occurrence of the text after them; where that is missing the capture takes the rest and parsing ends. */
export function pattern(line: Line, text: string): void {
  const parts = text.split(/<([A-Za-z_]\w*)>/);
  if (line.text === '' || !line.text.startsWith(parts[0] ?? '')) return;
  let rest = line.text.slice((parts[0] ?? '').length);
  for (let i = 1; i < parts.length; i += 2) {
    const literal = parts[i + 1] ?? '';
    const end = literal === '' ? rest.length : rest.indexOf(literal);
    const value = end < 0 ? rest : rest.slice(0, end);
    if (parts[i] !== '_') addExtracted(line, [[parts[i] ?? '', value]]);
    if (end < 0) return;
    rest = rest.slice(end + literal.length);
  }
}

/** `{{.label}}`, `{{.label | ToUpper}}` and text; the templates that tests make. */
export function template(line: Line, text: string): string {
  return text.replace(/\{\{\s*\.(\w+)(?:\s*\|\s*(\w+))?\s*\}\}/g, (_, name: string, fn?: string) => {
    const value = labelOf(line, name) ?? '';
    if (fn === 'ToUpper') return value.toUpperCase();
    return fn === 'ToLower' ? value.toLowerCase() : value;
  });
}
