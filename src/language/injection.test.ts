import { expect, test } from 'vitest';
import { compileMetric, rowsSql } from './compile.ts';
import { quote } from './go-string.ts';
import { parseQuery } from './parser.ts';
import { quoteBytes, quoteName, quoteNumber, quoteString, quoteStrings, quoteTable } from './sql-writer.ts';
import { isLogQuery } from './tree.ts';

const evil = "x'); DROP TABLE records; -- \\' `\"\\";
const records = ['records'];
const [start, end] = [0n, 10n ** 18n];

/** SQL with all string literals and quoted names taken out, as the engine's lexer would. */
const skeleton = (sql: string): string => sql.replace(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/gs, '?');

const slots: [string, (text: string) => string][] = [
  ['selector value', t => `{app=${quote(t)}}`],
  ['selector regex', t => `{app=~${quote(t.replaceAll(/[\\()]/g, ''))}}`],
  ['line filter', t => `{app="a"} |= ${quote(t)} != ${quote(t)}`],
  ['line regex', t => `{app="a"} |~ ${quote(t.replaceAll(/[\\()]/g, ''))}`],
  ['line pattern', t => `{app="a"} |> ${quote(`<_>${t}`)}`],
  ['label filter', t => `{app="a"} | x=${quote(t)} or y!=${quote(t)}`],
  ['json path', t => `{app="a"} | json x=${quote(`["${t.replaceAll(/["\\]/g, '')}"]`)}`],
  ['logfmt key', t => `{app="a"} | logfmt x=${quote(`"${t.replaceAll('"', '')}"`)}`],
  ['pattern', t => `{app="a"} | pattern ${quote(`${t}<x>${t}`)} | x="1"`],
  ['regexp', t => `{app="a"} | regexp ${quote(`(?P<x>a)${t.replaceAll(/[\\()]/g, '')}`)} | x="1"`],
  ['line template', t => `{app="a"} | line_format ${quote(`${t}{{.x | replace "a" ${quote(t)}}}`)}`],
  ['template regex', t => `{app="a"} | line_format ${quote(`{{regexReplaceAll "a" .x ${quote(t)}}}`)}`],
  [
    'template replacement',
    t => `{app="a"} | line_format ${quote(`{{regexReplaceAll "a" .x (print ${quote(t)} .y)}}`)}`,
  ],
  ['replaced text', t => `{app="a"} | line_format ${quote(`{{Replace .x ${quote(t)} .y 2}}`)}`],
  ['label template', t => `{app="a"} | label_format x=${quote(t)}`],
  ['search stage', t => `{app="a"} | search ${quote(`x:${JSON.stringify(t)} OR "${t.replaceAll(/["\\]/g, '')}"`)}`],
  ['drop and keep', t => `{app="a"} | drop x=${quote(t)} | keep y!=${quote(t)}`],
  ['label_replace', t => `label_replace(rate({app="a"}[1m]), "x", ${quote(t)}, ${quote(t)}, ".*")`],
  ['grouped query', t => `sum by (app) (rate({app=${quote(t)}} |= ${quote(t)} [1m]))`],
  ['absent', t => `absent_over_time({app=${quote(t)}}[1m])`],
];

test.each(slots)('%s: a value cannot leave its literal', (_, write) => {
  const compile = (text: string): string => {
    const tree = parseQuery(write(text));
    if (isLogQuery(tree)) {
      const rows = rowsSql(tree, { tenant: evil, range: { start, end } }, { direction: 'backward', limit: 10 });
      return rows({ records });
    }
    return compileMetric(tree, { sources: records, tenants: [evil], startNs: start, endNs: end, stepNs: 0n }).sql;
  };
  expect(skeleton(compile(evil))).not.toMatch(/DROP TABLE|--|;|'|`/);
});

test.each(['a`b', "a'b", 'a b', 'a-b', 'a"b', 'a;b', 'a\\b'])('%s is no label name', name => {
  expect(() => parseQuery(`{app="a"} | ${name}="x"`)).toThrow('parse error');
  expect(() => parseQuery(`{${name}="x"}`)).toThrow('parse error');
  expect(() => parseQuery(`sum by (${name}) (rate({app="a"}[1m]))`)).toThrow('parse error');
  expect(() => parseQuery(`{app="a"} | regexp "(?P<${name.replaceAll(/["\\]/g, ' ')}>x)"`)).toThrow('parse error');
});

test('literals', () => {
  expect(quoteString("it's \\ \0\n\t")).toBe("'it\\'s \\\\ \\x00\\n\\t'");
  expect(quoteString('\udcff\ud800x😀')).toBe("'\\xff\ufffdx😀'");
  expect(quoteName('a`b\\')).toBe('`a\\`b\\\\`');
  expect(quoteTable('db.x`y')).toBe('`db`.`x\\`y`');
  expect(quoteBytes(Uint8Array.of(0, 255))).toBe("unhex('00ff')");
  expect([1, -0, Number.NaN, Number.POSITIVE_INFINITY].map(quoteNumber)).toEqual([
    'toFloat64(1)',
    'toFloat64(-0.)',
    'nan',
    'inf',
  ]);
  expect(quoteStrings([])).toBe('emptyArrayString()');
});
