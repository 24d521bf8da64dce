import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

// The house rules as a test: each failure says what to do. See docs/ARCHITECTURE.md for the reasons.

const root = resolve(import.meta.dirname, '..');
const list = (folder: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile() && /\.(ts|tsx)$/.test(entry.name))
        .map(entry => relative(root, join(entry.parentPath, entry.name)))
    : [];
const files = [...list('src'), ...list('test'), ...list('bench')].sort();
const text = new Map(files.map(file => [file, readFileSync(join(root, file), 'utf8')]));
const isTest = (file: string): boolean => file.includes('.test.') || file.startsWith('test/');
const source = files.filter(file => file.startsWith('src/') && !isTest(file));

type Import = { from: string; to: string; typeOnly: boolean };
function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    if (specifier.startsWith('.'))
      found.push({ from: file, to: relative(root, resolve(root, dirname(file), specifier)), typeOnly });
  };
  const code = text.get(file) ?? '';
  for (const match of code.matchAll(/^\s*(?:import|export)\s+(type\s+)?[^'"`;]*?from\s+['"]([^'"]+)['"]/gm))
    add(match[2] ?? '', match[1] !== undefined);
  for (const match of code.matchAll(/(?:^|[^\w.])import\s*\(?\s*['"]([^'"]+)['"]/gm)) add(match[1] ?? '', false);
  for (const match of code.matchAll(/new URL\(\s*['"]([^'"]+\.tsx?)['"]/g)) add(match[1] ?? '', false);
  return found;
}
const imports = files.flatMap(importsOf);

const rooms = ['agent', 'receive', 'buffer', 'process', 'store', 'query', 'alert', 'access', 'cli', 'demo'];
const roomOf = (file: string): string => file.split('/')[1] ?? '';

/** Whether a file of room `from` may import a file of room `to`. */
function allowed(from: string, to: string, target: string): boolean {
  if (from === to) return true;
  if (from === 'main.ts' || to === 'base') return from !== 'flow.ts' || to === 'base';
  if (from === 'base' || from === 'flow.ts') return false;
  if (from === 'roles') return to !== 'main.ts';
  if (from === 'web') return target.endsWith('/contract.ts');
  if (from === 'language') return false;
  if (!rooms.includes(from)) return false;
  if (to === 'flow.ts') return true;
  // Quoting of names and values stands in one place, so the room that speaks SQL may use it.
  if (to === 'language')
    return from === 'process' || from === 'query' || (from === 'store' && target === 'src/language/sql-writer.ts');
  return from === 'cli' && /^src\/query\/(?:eql\/)?contract\.ts$/.test(target);
}

function fail(faults: string[]): void {
  expect(faults, faults.join('\n')).toEqual([]);
}

describe('tidy', () => {
  it('keeps the walls: base <- language <- rooms <- roles <- main; rooms never import rooms', () => {
    fail(
      imports
        .filter(
          i =>
            i.from.startsWith('src/') &&
            !isTest(i.from) &&
            i.to.startsWith('src/') &&
            !allowed(roomOf(i.from), roomOf(i.to), i.to),
        )
        .map(
          i => `${i.from} imports ${i.to}: ask for a function type of src/flow.ts instead and let a role hand it over`,
        ),
    );
  });

  it('has no import cycles', () => {
    const graph = new Map<string, string[]>();
    for (const i of imports) graph.set(i.from, [...(graph.get(i.from) ?? []), i.to]);
    const faults: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) {
        faults.push(
          `cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}: move what both need into a third file`,
        );
        return;
      }
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    fail(faults);
  });

  it('keeps files short: 400 lines, tests 600', () => {
    fail(
      files
        .map(file => ({ file, lines: (text.get(file) ?? '').split('\n').length - 1 }))
        .filter(({ file, lines }) => lines > (isTest(file) ? 600 : 400))
        .map(({ file, lines }) => `${file} has ${lines} lines: split it by thing, not by kind`),
    );
  });

  it('has no any, no default exports, no left-over marks, no skipped tests, no drawers', () => {
    const mark = new RegExp(
      `\\b(${['TO', 'FIX', 'XX', 'HA'].map((a, i) => a + ['DO', 'ME', 'X', 'CK'][i]).join('|')})\\b`,
    );
    // The groups keep this line from being what it forbids.
    const suppression = /@ts-(ignore|nocheck|expect-error)|(oxlint|eslint)-disable|(biome)-ignore lint/;
    const faults: string[] = [];
    for (const file of files) {
      const code = text.get(file) ?? '';
      for (const [index, line] of code.split('\n').entries()) {
        const at = `${file}:${index + 1}`;
        const bare = line.replace(
          /\/\/.*$|^\s*\*.*$|\/\*.*?\*\/|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\/(?:[^/\\\n]|\\.)+\/[a-z]*/g,
          '',
        );
        if (/(:|\bas|<|\|)\s*any\b/.test(bare)) faults.push(`${at}: any: name the type, or unknown and check it`);
        if (/^export default\b/.test(line)) faults.push(`${at}: default export: export it by name`);
        if (mark.test(line)) faults.push(`${at}: left-over mark: do it now or open an issue`);
        if (/\b(it|test|describe)\.(skip|only|todo)\(/.test(bare))
          faults.push(`${at}: skipped or focused test: use ctx.skip('reason') when the machine lacks something`);
        if (suppression.test(line)) faults.push(`${at}: suppression: mend the cause`);
      }
      if (/(^|\/)(utils?|helpers?|common|misc|lib|shared)(\/|\.tsx?$)/.test(file))
        faults.push(`${file}: a drawer: name the file by its job`);
    }
    fail(faults);
  });

  it('has no dead files: every source file is reached from the program, the page, or a child process', () => {
    const reached = new Set<string>();
    const queue = ['src/main.ts', 'src/web/main.tsx', ...files.filter(f => f.startsWith('bench/') && !isTest(f))];
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      if (reached.has(file)) continue;
      reached.add(file);
      queue.push(...imports.filter(i => i.from === file).map(i => i.to));
    }
    const types = new Set(imports.filter(i => i.typeOnly && reached.has(i.from)).map(i => i.to));
    fail(
      source
        .filter(file => !reached.has(file) && !types.has(file))
        .map(file => `${file} is reached from nowhere: join it or delete it`),
    );
  });

  it('keeps the web page inside its contract and the agent light', () => {
    fail(
      imports
        .filter(i => i.from.startsWith('src/cli/') && !i.typeOnly && /src\/(roles|store|receive|buffer)\//.test(i.to))
        .map(i => `${i.from} loads ${i.to}: commands must start without the server`),
    );
  });
});
