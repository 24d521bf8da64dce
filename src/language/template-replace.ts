import { readRegex } from './regex.ts';
import { withNames } from './scope.ts';
import { quoteString } from './sql-writer.ts';
import type { TemplateFunction } from './template-math.ts';
import { nothing, stringParameter, type TemplateContext, type TemplateValue, text } from './template-values.ts';

/** What templates put in the place of other text: Go's strings.Replace and regexp.ReplaceAll. */

/** Whether the SQL is one text that is written in the query. */
export const isLiteral = (sql: string): boolean => /^'(?:[^'\\]|\\.)*'$/s.test(sql);

/** The expression as written in the template; one that Go would not compile fails when the template runs. */
export function regexOf(
  value: TemplateValue | undefined,
  name: string,
  context: TemplateContext,
): { sql: string; names: (string | undefined)[] } | undefined {
  if (value?.constant === undefined || value.type !== 'string')
    throw context.fault(`${name}: the regular expression must be written in the template`);
  try {
    return { sql: quoteString(`(?-s)${value.constant}`), names: readRegex(value.constant).groups };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.fail('1', `error calling ${name}: regexp: Compile: ${reason}`);
    return undefined;
  }
}

const engineGroupMax = 9;

type Names = readonly (string | undefined)[];

/** Bytes that no text in UTF-8 has: for `$$`, for a group, and for a backslash, which the engine takes for a group where a digit follows. */
const [dollarMark, groupMark, backslashMark] = ["'\\xFF\\x01'", "'\\xFF\\x02'", "'\\xFF\\x03'"];

/** Go's replacement text (`$1`, `${name}`) for RE2 in the engine (`\1`). It has no backslashes. */
function replacementOf(goText: string, names: Names, context: TemplateContext): string {
  return goText.replace(/\$\$|\$(?:\{(\w+)\}|(\w+))/g, (found, braced?: string, bareName?: string) => {
    const name = braced ?? bareName;
    if (found === '$$' || name === undefined) return '$';
    const group = /^\d+$/.test(name) ? Number(name) : names.indexOf(name) + 1;
    if (group === 0 && name !== '0') return '';
    if (group > names.length) return '';
    if (group > engineGroupMax) throw context.fault(`regexReplaceAll: at most ${engineGroupMax} groups can be used`);
    return `\\${group}`;
  });
}

/** The same for a text that only the record knows (SQL). */
function replacementSql(goText: string, names: Names, context: TemplateContext): string {
  if (names.length > engineGroupMax)
    throw context.fault(
      `regexReplaceAll: with more than ${engineGroupMax} groups the replacement must be written in the template`,
    );
  const groups = ['0', ...names.map((name, i) => (name === undefined ? `${i + 1}` : `${i + 1}|${name}`))];
  const known = groups.reduce(
    (sql, group, i) =>
      `replaceRegexpAll(${sql}, ${quoteString(`\\$(?:\\{(?:${group})\\}|(?:${group})\\b)`)}, concat(${groupMark}, '${i}'))`,
    `replaceAll(${goText}, '$$', ${dollarMark})`,
  );
  const unknown = quoteString('\\$(?:\\{\\w+\\}|\\w+)');
  return `replaceAll(replaceAll(replaceRegexpAll(${known}, ${unknown}, ''), ${groupMark}, '\\\\'), ${dollarMark}, '$')`;
}

/** `regexReplaceAll`, or `regexReplaceAllLiteral`, to which `$` means nothing. */
export function regexReplaced(name: string, literal: boolean): TemplateFunction {
  return {
    arity: [3, 3],
    write([regex, s = nothing, fresh = nothing], context) {
      const found = regexOf(regex, name, context);
      if (found === undefined) return text("''");
      const source = `toString(${stringParameter(s, context)})`;
      const written = stringParameter(fresh, context);
      const withMarks = (sql: string): string => `replaceAll(${sql}, '\\\\', ${backslashMark})`;
      if (fresh.constant !== undefined && !fresh.constant.includes('\\')) {
        const to = literal ? fresh.constant : replacementOf(fresh.constant, found.names, context);
        return text(`replaceRegexpAll(${source}, ${found.sql}, ${quoteString(to)})`);
      }
      const to = withMarks(`toString(${written})`);
      const all = `replaceRegexpAll(${source}, ${found.sql}, ${literal ? to : replacementSql(to, found.names, context)})`;
      return text(`replaceAll(${all}, ${backslashMark}, '\\\\')`);
    },
  };
}

/** Before the first `n` characters, or behind the last one if there are fewer; everywhere when `n` is below zero. */
function insertSome(s: string, fresh: string, n: string): string {
  return withNames([`extractAll(${s}, '(?s).')`], characters => {
    const count = `toInt64(if(${n} < 0, toInt64(length(${characters})) + 1, ${n}))`;
    const before = `arrayStringConcat(arrayMap(c -> concat(${fresh}, c), arraySlice(${characters}, 1, ${count})))`;
    const rest = `arrayStringConcat(arraySlice(${characters}, ${count} + 1))`;
    return `concat(${before}, if(${count} > length(${characters}), ${fresh}, ''), ${rest})`;
  });
}

/** Go's strings.Replace: the first `n` occurrences, all of them when `n` is below zero. All arguments are SQL. */
export function replaceSome([s = "''", old = "''", fresh = "''", n = '-1']: string[]): string {
  const whole = n.startsWith('-') || n.startsWith('toInt64((-');
  const found = (): string => {
    if (whole) return `replaceAll(${s}, ${old}, ${fresh})`;
    if (n === 'toInt64(0)') return s;
    if (n === 'toInt64(1)') return `replaceOne(${s}, ${old}, ${fresh})`;
    const pieces = isLiteral(old)
      ? `splitByString(${old}, ${s})`
      : `splitByString(${groupMark}, replaceAll(${s}, ${old}, ${groupMark}))`;
    const joined = `concat(multiIf(i = 1, '', i <= ${n} + 1, ${fresh}, ${old}), p)`;
    const some = withNames(
      [pieces],
      list => `arrayStringConcat(arrayMap((p, i) -> ${joined}, ${list}, arrayEnumerate(${list})))`,
    );
    return `if(${n} < 0, replaceAll(${s}, ${old}, ${fresh}), ${some})`;
  };
  if (old === "''") return insertSome(s, fresh, n);
  if (isLiteral(old)) return found();
  return `if(${old} = '', ${insertSome(s, fresh, n)}, ${found()})`;
}
