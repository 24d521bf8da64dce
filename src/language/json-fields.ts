import { hash } from 'node:crypto';
import type { Found, Row } from './row.ts';
import { withNames } from './scope.ts';
import { escapeRegex, quoteString, quoteStrings } from './sql-writer.ts';
import { firstOfEach, sanitized, labelText } from './stages/extraction.ts';

/**
 * JSON lines as labels. The engine's JSON functions write numbers anew (`1.50` becomes `1.5`) and refuse integers beyond 64 bits, LogQL keeps
 * their digits. So where a line has such a number its numbers are put in quotes first; all other lines are read as they are.
 */

/** Numbers that the engine would spell differently, after `:`, `,` or `[`. May also match inside strings, which costs time only. */
const respelled = quoteString('[:,\\[]\\s*-?(?:[0-9]+(?:[.eE]|[0-9]{15})|0)');
const stringOrNumber = quoteString('("(?:[^"\\\\]|\\\\.)*")|(-?[0-9][0-9.eE+-]*)');

/** The line with numbers quoted. Valid JSON has no bytes 1 and 2, so they can stand for the quotes until strings are restored. */
function quotedNumbers(line: string): string {
  const marked = `replaceRegexpAll(${line}, ${stringOrNumber}, '\\\\1\\x01\\\\2\\x02')`;
  return `replaceRegexpAll(replaceAll(${marked}, '\\x01\\x02', ''), '[\\x01\\x02]', '"')`;
}

/** Objects and arrays inside a field are followed this deep by {@link wholeFields}. */
const nestedMax = 6;
/** The same for {@link writtenAt}; each level more costs every label with a path 1 to 2 CPU-ms of planning. */
const writtenMax = 3;
/** Elements that are passed over on the way, repeated in the expression: RE2 takes 1,000, and 200 cost 100 CPU-ms. */
const writtenIndexMax = 20;
const jsonString = '"(?:[^"\\\\]|\\\\.)*"';
const container = (depth: number): string =>
  `[{\\[](?:[^\\]\\[{}"]|${jsonString}${depth > 0 ? `|${container(depth - 1)}` : ''})*[}\\]]`;
/** As Loki's reader takes it: whatever begins like a number, such as `1.2.3` or `2024-01-02`, ends at a blank, comma or bracket. */
const loose = '[-0-9][^\\s,\\[\\]{}"]*';
const anyValue = (depth: number): string => `(?:${jsonString}|${loose}|true|false|null|${container(depth)})`;
const fieldOf = (depth: number): string => `${jsonString}\\s*:\\s*${anyValue(depth)}\\s*`;
const field = fieldOf(nestedMax);

/** Group 1: the fields that stand whole at the start of an object. */
const startFields = `(?s)^\\s*\\{\\s*((?:${field},\\s*)*(?:${field})?)`;
const wholeFields = quoteString(startFields);
const wholeObject = quoteString(`${startFields}\\}`);
const stringOrBreaks = quoteString(`(${jsonString})|[\\t\\r\\n]+`);

/** Blanks between values as spaces, raw tabs and line ends inside of strings as the escapes that JSON wants and Loki does not. */
function escapedControls(text: string): string {
  const flat = `replaceRegexpAll(${text}, ${stringOrBreaks}, '\\\\1 ')`;
  return ['\\t', '\\r', '\\n'].reduce((sql, char) => `replaceAll(${sql}, '${char}', '\\${char}')`, flat);
}

/** Group 1: what is in a text whose escapes are all JSON's, halves of surrogate pairs only together. Group 2: what begins like a number. */
const sound =
  '[^"\\\\]|\\\\(?:["\\\\/bfnrt]|u(?:[0-9A-Ca-cE-Fe-f][0-9A-Fa-f]{3}|[Dd](?:[0-7][0-9A-Fa-f]{2}|[89ABab][0-9A-Fa-f]{2}\\\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})))';
const textOrNumber = quoteString(`"((?:${sound})*)"|${jsonString}|(${loose})`);

/** Texts with an escape that is none become empty, as Loki has them, and what only begins like a number becomes a text. */
const repaired = (text: string): string =>
  withNames(
    [text],
    json => `if(isValidJSON(${json}), ${json}, replaceRegexpAll(${json}, ${textOrNumber}, '"\\\\1\\\\2"'))`,
  );

/** What LogQL reads of a line that is no JSON value by itself: an object with more behind it, or the start of one. */
function startOfObject(line: string): string {
  const fields = escapedControls(`extract(${line}, ${wholeFields})`);
  return `if(match(${line}, '^\\\\s*\\\\{'), ${repaired(`concat('{', replaceRegexpOne(${fields}, ',\\\\s*$', ''), '}')`)}, ${line})`;
}

const readable = (row: Row): string => row.scope.bind(`isValidJSON(${row.line})`);

const withQuotedNumbers = (text: string): string => `if(match(${text}, ${respelled}), ${quotedNumbers(text)}, ${text})`;

const exactText = (row: Row): string => {
  const { scope, line, few } = row;
  const text = withNames([`if(${readable(row)}, ${line}, ${startOfObject(line)})`], withQuotedNumbers);
  return few ? scope.bind(text) : scope.bindRare(text);
};

/** SQL: text of a raw JSON scalar. */
export const jsonValue = (raw: string): string =>
  `if(startsWith(${raw}, '"'), ${labelText(`JSONExtractString(${raw})`)}, ${raw})`;

/** SQL: true for the raw text of a text, number or boolean. */
const isScalar = (raw: string): string => `position('[{n', left(${raw}, 1)) = 0`;

/** SQL: true when the line does not start with a JSON object; what follows the object does not matter. */
export function notJsonObject(row: Row): string {
  const { scope, line } = row;
  const open = `NOT match(${line}, ${wholeObject})`;
  return scope.bind(`NOT match(${line}, '^\\\\s*\\\\{') OR (NOT ${readable(row)} AND ${open})`);
}

const unclosed = (what: string, end: string): string =>
  quoteString(`Value ${what}, but can't find closing '${end}' symbol`);
const noObject = unclosed('looks like object', '}');
const noArray = unclosed('is array', ']');
const malformed = quoteString('Malformed JSON error');

/** Words of Loki's reader for the first character of a value that it cannot read. */
const badValue = (start: string): string =>
  `transform(${start}, ['', '"', '[', '{'], [${malformed}, ${unclosed('is string', '"')}, ${noArray}, ${noObject}], 'Unknown value type')`;

/** Group 1: the first character of the value. */
const keyAndColon = (key: string): string => quoteString(`(?s)^${key}\\s*:\\s*(.?)`);

/** SQL: what follows the fields that stand whole at the start of an object. */
const afterWholeFields = (line: string): string => `replaceRegexpOne(${line}, ${wholeFields}, '')`;

/** SQL: why a line is no JSON object, in the words of Loki's reader. Where it meets the end of the line between fields it speaks of an array. */
export function jsonFault({ line }: Row): string {
  const key = keyAndColon(jsonString);
  const before = `trimBoth(extract(${line}, ${wholeFields}))`;
  return withNames([afterWholeFields(line), before], (tail, fields) => {
    const value = badValue(`extract(${tail}, ${key})`);
    const inField = `multiIf(NOT startsWith(${tail}, '"'), ${noObject}, match(${tail}, ${key}), ${value}, ${malformed})`;
    const atEnd = `if(${fields} = '', ${malformed}, ${noArray})`;
    return `multiIf(NOT match(${line}, '^\\\\s*\\\\{'), ${noObject}, ${tail} = '', ${atEnd}, ${fields} != '' AND NOT endsWith(${fields}, ','), ${noObject}, ${inField})`;
  });
}

/** SQL: true when the line cannot be asked for paths: it starts like no object, array or text. */
export const notJsonStart = (row: Row): string => row.scope.bind(`NOT match(${row.line}, '^[{\\\\["]')`);

/** SQL: why the value of one of these keys cannot be read; '' when nothing is wrong with them, whatever else is broken. */
export function keyFault(row: Row, keys: readonly string[]): string {
  if (keys.length === 0) return "''";
  const key = keyAndColon(`(?:${keys.map(name => escapeRegex(JSON.stringify(name))).join('|')})`);
  const why = withNames(
    [afterWholeFields(row.line)],
    tail => `if(match(${tail}, ${key}), ${badValue(`extract(${tail}, ${key})`)}, '')`,
  );
  return row.scope.bind(`if(startsWith(${row.line}, '{') AND ${notJsonObject(row)}, ${why}, '')`);
}

/** SQL: a line that ends like an object. Where a field is found in such a line, the line is one. */
export const endsAsObject = (row: Row): string => `endsWith(${row.line}, '}')`;

/** SQL: all (name, value) of an object in order, nested ones joined by `_`; arrays and nulls skipped. Deeper than 64 levels is left out. */
export function jsonPairs(row: Row): string {
  const { scope } = row;
  const open = `if(startsWith(p.2, '{'), arrayMap(c -> (concat(p.1, '_', c.1), c.2), JSONExtractKeysAndValuesRaw(p.2)), [p])`;
  const flat = withNames([exactText(row)], text => {
    const depth = `least(64, countMatches(${text}, ':\\\\s*\\\\{'))`;
    const top = `arrayMap(p -> (trimBoth(p.1), p.2), JSONExtractKeysAndValuesRaw(${text}))`;
    return `arrayFold((acc, i) -> arrayFlatten(arrayMap(p -> ${open}, acc)), range(${depth}), ${top})`;
  });
  const scalars = `arrayFilter(p -> ${isScalar('p.2')}, ${flat})`;
  const pairs = `arrayMap(p -> (${sanitized('p.1')}, ${jsonValue('p.2')}), ${scalars})`;
  return row.few ? scope.bind(pairs) : scope.bindRare(pairs);
}

export const jsonMap = (row: Row): string => row.scope.bind(firstOfEach(jsonPairs(row)));

/**
 * The line under another expression for each name, since the engine computes a branch only where it is needed but everywhere when two
 * branches share it. Lines are shorter than any of these lengths.
 */
const lineFor = (row: Row, name: string): string =>
  `left(${row.line}, ${2 ** 31 + (Number.parseInt(hash('sha1', name).slice(0, 8), 16) % 1_000_000)})`;

/** The first field whose name becomes `name`. Without `_` in it no nested one can. */
function slowField(row: Row, name: string): string {
  const own = { ...row, line: lineFor(row, name) };
  const key = quoteString(name);
  if (name.includes('_'))
    return `arrayElementOrNull(arrayMap(p -> p.2, arrayFilter(p -> p.1 = ${key}, ${jsonPairs(own)})), 1)`;
  const found = `arrayFilter(p -> ${sanitized('p.1')} = ${key} AND ${isScalar('p.2')}, JSONExtractKeysAndValuesRaw(${exactText(own)}))`;
  return `arrayElementOrNull(arrayMap(p -> ${jsonValue('p.2')}, ${found}), 1)`;
}

/** Fast path: one field by one parse of the line. Only for names whose spelling in the line is certain; all other lines take the slow path. */
export function jsonField(row: Row, name: string): Found {
  const { scope, line } = row;
  if (!/^[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*$/.test(name)) {
    const optional = scope.bind(slowField(row, name));
    return { value: `ifNull(${optional}, '')`, present: `isNotNull(${optional})`, optional };
  }
  const segments = name.split('_');
  const head = segments[0] ?? name;
  const key = quoteString(name);
  const spelled = JSON.stringify(name);
  const direct = scope.bind(`JSONExtract(${line}, ${key}, 'Nullable(String)')`);
  // Other keys that become the same name: `" name"`, escapes, and for a_b also {"a":{"b":..}}, "a-b", ...
  const disguised = segments.length > 1 ? [`"${head}`, `" ${head}`, '\\u00'] : [`" ${name}`, `"${name} `, '\\u00'];
  // An object with a fault inside ends with `}` too.
  const faulty = `(position(${line}, ${quoteString(spelled)}) > 0 AND NOT isValidJSON(${lineFor(row, name)}))`;
  const hidden = `match(${line}, '^\\\\s*\\\\{') AND (NOT ${endsAsObject(row)} OR ${faulty} OR multiSearchAny(${line}, ${quoteStrings(disguised)}) OR match(${line}, '[0-9]{19}'))`;
  const doubled =
    segments.length > 1
      ? ` OR countSubstrings(${line}, ${quoteString(`"${head}`)}) != countSubstrings(${line}, ${quoteString(spelled)})`
      : '';
  const doubtful = scope.bind(
    `if(isNull(${direct}), ${hidden}, left(assumeNotNull(${direct}), 1) IN ('{', '[')${doubled})`,
  );
  const digits = `extract(${line}, ${quoteString(`${escapeRegex(spelled)}\\s*:\\s*(-?[0-9][0-9.eE+-]*)`)})`;
  const written = scope.bind(digits);
  const asWritten = `if(match(ifNull(${direct}, ''), '^-?[0-9]') AND ifNull(toFloat64OrNull(${written}) = toFloat64OrNull(${direct}), 0), ${written}, ${labelText(direct)})`;
  const slow = slowField(row, name);
  const optional = scope.bind(`if(${doubtful}, ${slow}, ${asWritten})`);
  const optionalNumeric = scope.bind(`if(${doubtful}, ${slow}, ${direct})`);
  return {
    value: `ifNull(${optional}, '')`,
    present: `isNotNull(${optionalNumeric})`,
    numeric: `ifNull(${optionalNumeric}, '')`,
    optional,
    optionalNumeric,
  };
}

/** A step of a JSON path: a key or a 0-based index. */
export type PathStep = string | number;

/** `a.b[0]["c d"]`; undefined when it is no path. */
export function parseJsonPath(text: string): PathStep[] | undefined {
  const steps: PathStep[] = [];
  const step = /\s*(?:(\.?)\s*([a-zA-Z_]\w*)|\[\s*(\d+)\s*\]|\[\s*("(?:[^"\\]|\\.)*")\s*\])\s*/uy;
  while (step.lastIndex < text.length) {
    const found = step.exec(text);
    if (!found) return undefined;
    const [, dot, field, index, key] = found;
    if (field !== undefined && (dot === '') !== (steps.length === 0)) return undefined;
    try {
      steps.push(field ?? (index === undefined ? (JSON.parse(key ?? '') as string) : Number(index)));
    } catch {
      return undefined;
    }
  }
  return steps.length === 0 ? undefined : steps;
}

/**
 * SQL: the object or array at a path with the blanks and digits of the line; `engines` (SQL), as the engine writes it, where the line does not say
 * the same there (keys with escapes, more than {@link writtenMax} levels) and for indexes beyond {@link writtenIndexMax}.
 */
function writtenAt(line: string, steps: readonly PathStep[], engines: string): string {
  const passed = steps.reduce<number>((sum, step) => (typeof step === 'number' ? sum + step : sum), 0);
  if (passed > writtenIndexMax) return engines;
  const before = steps.map(step =>
    typeof step === 'number'
      ? `\\[\\s*(?:${anyValue(writtenMax)}\\s*,\\s*){${step}}`
      : `\\{\\s*(?:${fieldOf(writtenMax)},\\s*)*?${escapeRegex(JSON.stringify(step))}\\s*:\\s*`,
  );
  // One expression for the whole path: each more would be planned anew wherever the label is used.
  const text = `extract(${line}, ${quoteString(`(?s)^\\s*${before.join('')}(${container(writtenMax)})`)})`;
  return `if(JSONExtractRaw(${text}) = ${engines}, ${text}, ${engines})`;
}

/** Text of the raw JSON at a path; '' where there is none. As written in the line: quoted numbers stay only where the engine cannot read the line itself. */
function textAtPath(raw: string, engines: string, written: string): string {
  const composite = `left(${raw}, 1) IN ('{', '[')`;
  return `multiIf(${raw} = 'null', '', ${composite}, if(${engines} = '', ${raw}, ${written}), ${jsonValue(raw)})`;
}

/** SQL: raw JSON at a path, '' where there is none. The engine's functions would count the members of an object for an index. */
function rawAt(json: string, steps: readonly PathStep[]): string {
  const index = steps.findIndex(step => typeof step === 'number');
  const keys = (index < 0 ? steps : steps.slice(0, index)).map(step => `, ${quoteString(String(step))}`).join('');
  if (index < 0) return keys === '' ? json : `JSONExtractRaw(${json}${keys})`;
  return rawAt(`JSONExtractArrayRaw(${json}${keys})[${Number(steps[index]) + 1}]`, steps.slice(index + 1));
}

/**
 * The value at a path: scalars as text, objects and arrays as JSON; null gives ''. `orElse` (SQL, a text or NULL) stands for a missing one, and all is
 * NULL where the line is not `readable`.
 */
export function jsonAtPath(row: Row, steps: readonly PathStep[], readable: string, orElse: string): string {
  const engines = rawAt(row.line, steps);
  const found = withNames(
    [rawAt(exactText(row), steps)],
    raw => `if(${raw} = '', ${orElse}, ${textAtPath(raw, engines, writtenAt(row.line, steps, engines))})`,
  );
  return row.scope.bind(`if(${readable}, ${found}, NULL)`);
}
