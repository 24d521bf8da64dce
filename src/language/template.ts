import { WeirError } from '../base/errors.ts';
import { choose, find, labelMap, not, type Row, storedRow } from './row.ts';
import { Scope } from './scope.ts';
import { and, or, quoteString } from './sql-writer.ts';
import { templateFunctions } from './template-functions.ts';
import { type Fault, type Operand, type Pipe, readTemplate, type TemplateNode } from './template-parser.ts';
import { either, printed, truthOf } from './template-print.ts';
import { bool, nothing, number, type TemplateContext, type TemplateValue, text, typeName } from './template-values.ts';

/** The text of a template as SQL, when it fails (`''` literally: it cannot), and why then. */
export type TemplateSql = { text: string; error: string; details: string };

type Failure = { condition: string; details: string };
/** A variable: assignments change the cell, so that all who see it see the new value. */
type Cell = { value: TemplateValue; loop: number };
type Sight = { dot: TemplateValue; cells: ReadonlyMap<string, Cell> };

/** Characters of a template as SQL; the engine refuses more than 500,000 nodes. */
const lengthMax = 1_500_000;

/**
 * All labels of the record; written only where a template wants them all. A class: V8 gives an object literal with a getter a shape of its own each time it
 * is made, and shapes live long, so that each would keep its row and all that was compiled for it until the next collection of everything.
 */
class AllLabels {
  readonly type = 'labels';
  private readonly row: Row;

  constructor(row: Row) {
    this.row = row;
  }

  get sql(): string {
    return labelMap(this.row);
  }
}

/** What a loop over a number may run to. */
const rangeMax = 1000;

/** Compiles one template for one row. Loops and branches become expressions; what happens in a branch that is not taken does not count. */
class Compiler implements TemplateContext {
  readonly row: Row;
  readonly line: string;
  readonly root: TemplateValue;
  readonly fault: Fault;
  failures: Failure[] = [];
  /** Conditions under which the part being compiled runs. */
  private readonly guards: string[] = [];
  private readonly cells: Cell[] = [];
  /** Loops around the part being compiled: their variables exist in it only, so it cannot be named outside. */
  private loops = 0;

  constructor(row: Row, fault: Fault) {
    this.row = row;
    this.line = row.line;
    this.root = new AllLabels(row);
    this.fault = fault;
  }

  fail(condition: string, details: string): void {
    this.failures.push({ condition: and([...this.guards, condition]), details });
  }

  readonly bind = (sql: string): string => (this.loops === 0 ? this.row.scope.bind(sql) : sql);
  readonly weight = (sql: string): number => this.row.scope.weight(sql);

  nodes(nodes: readonly TemplateNode[], start: Sight): string {
    let sight = start;
    const texts: string[] = [];
    for (const node of nodes) {
      if (node.kind === 'text') texts.push(quoteString(node.text));
      else if (node.kind === 'action') {
        const value = this.pipe(node.pipe, sight);
        if (node.pipe.variables.length === 0) texts.push(printed(value, this));
        else sight = this.introduce(node.pipe, [value], sight);
      } else texts.push(node.kind === 'range' ? this.range(node, sight) : this.branch(node, sight));
    }
    return texts.length === 0 ? "''" : this.bounded(`concat('', ${texts.join(', ')})`);
  }

  private bounded(sql: string): string {
    if (this.row.scope.length(sql) > lengthMax)
      throw this.fault('the template is too large once it is compiled; nest less');
    return sql;
  }

  private introduce(pipe: Pipe, values: readonly TemplateValue[], sight: Sight): Sight {
    const cells = new Map(sight.cells);
    pipe.variables.forEach((name, i) => {
      const value = values[i] ?? nothing;
      const known = cells.get(name);
      if (!pipe.assigns || !known) {
        const cell = { value, loop: this.loops };
        this.cells.push(cell);
        cells.set(name, cell);
      } else if (known.loop !== this.loops)
        throw this.fault(`${name} = ..: a loop cannot change a variable of its surroundings`);
      else known.value = value;
    });
    return { ...sight, cells };
  }

  private under<T>(condition: string, run: () => T): T {
    this.guards.push(condition);
    const result = run();
    this.guards.pop();
    return result;
  }

  private branch(node: Extract<TemplateNode, { kind: 'if' | 'with' | 'range' }>, outer: Sight): string {
    const value = this.pipe(node.pipe, outer);
    const sight = this.introduce(node.pipe, [value], outer);
    const truth = this.bind(truthOf(value));
    const before = this.cells.map(cell => cell.value);
    const inner = node.kind === 'with' ? { ...sight, dot: value } : sight;
    const body = this.under(truth, () => this.nodes(node.body, inner));
    const changed = before.map((old, i) => {
      const cell = this.cells[i];
      const fresh = cell?.value ?? old;
      if (cell) cell.value = old;
      return fresh;
    });
    const otherwise = this.under(not(truth), () => this.nodes(node.otherwise, sight));
    changed.forEach((fresh, i) => {
      const cell = this.cells[i];
      if (cell && fresh !== cell.value) cell.value = either(truth, fresh, cell.value, this);
    });
    return choose(truth, body, otherwise);
  }

  /** Keys and values of what a loop runs over. */
  private elements(value: TemplateValue): { keys: string; values: string; key: TemplateValue; element: TemplateValue } {
    const depth = this.loops;
    const [k, v] = [`k_${depth}`, `v_${depth}`];
    if (value.type === 'labels')
      return { keys: `mapKeys(${value.sql})`, values: `mapValues(${value.sql})`, key: text(k), element: text(v) };
    if (value.type === 'int' || value.type === 'int64') {
      this.fail(`${value.sql} > ${rangeMax}`, `range can't iterate over more than ${rangeMax}`);
      const list = `range(toUInt32(least(${rangeMax}, greatest(0, ${value.sql}))))`;
      return { keys: list, values: list, key: number(k, 'int'), element: number(v, 'int') };
    }
    if (value.type !== 'json') {
      if (value.type !== 'nil') this.fail('1', `range can't iterate over ${typeName(value)}`);
      return { keys: 'emptyArrayString()', values: 'emptyArrayString()', key: text(k), element: text(v) };
    }
    const j = this.bind(value.sql);
    const members = this.bind(`arraySort(p -> p.1, JSONExtractKeysAndValuesRaw(${j}))`);
    const items = this.bind(`JSONExtractArrayRaw(${j})`);
    this.fail(
      `NOT match(${j}, '^(?:[\\\\[{]|null$|$)')`,
      "range can't iterate over a value that is no array or object",
    );
    return {
      keys: `if(startsWith(${j}, '{'), arrayMap(p -> toJSONString(p.1), ${members}), arrayMap(i -> toString(i - 1), arrayEnumerate(${items})))`,
      values: `if(startsWith(${j}, '{'), ${members}.2, ${items})`,
      key: { sql: k, type: 'json', isKey: true },
      element: { sql: v, type: 'json' },
    };
  }

  private range(node: Extract<TemplateNode, { kind: 'if' | 'with' | 'range' }>, outer: Sight): string {
    const { keys, values, key, element } = this.elements(this.pipe(node.pipe, outer));
    const [k, v] = [this.bind(keys), this.bind(values)];
    const outerFailures = this.failures;
    this.failures = [];
    this.loops++;
    const variables = node.pipe.variables.length === 2 ? [key, element] : [element];
    const sight = this.introduce({ ...node.pipe, assigns: false }, variables, { ...outer, dot: element });
    const body = this.nodes(node.body, sight);
    this.loops--;
    const inside = this.failures;
    this.failures = outerFailures;
    const lambda = `(${key.sql}, ${element.sql})`;
    for (const { condition, details } of inside)
      this.fail(`arrayExists(${lambda} -> ${condition}, ${k}, ${v})`, details);
    const all = `arrayStringConcat(arrayMap(${lambda} -> ${body}, ${k}, ${v}))`;
    if (node.otherwise.length === 0) return this.bounded(all);
    const empty = this.bind(`empty(${v})`);
    return this.bounded(
      choose(
        empty,
        this.under(empty, () => this.nodes(node.otherwise, outer)),
        all,
      ),
    );
  }

  private pipe(pipe: Pipe, sight: Sight): TemplateValue {
    let piped: TemplateValue | undefined;
    for (const [head, ...rest] of pipe.commands) {
      if (!head) continue;
      if (head.kind === 'function') {
        const args = this.arguments(head.name, rest, sight);
        piped = this.call(head.name, piped ? [...args, piped] : args);
      } else {
        if (head.kind === 'nil') this.fail('1', 'nil is not a command');
        else if (rest.length > 0 || piped) this.fail('1', `can't give argument to non-function`);
        piped = this.operand(head, sight);
      }
    }
    return piped ?? nothing;
  }

  /** `and` and `or` do not evaluate what stands behind the argument that decides. */
  private arguments(name: string, operands: readonly Operand[], sight: Sight): TemplateValue[] {
    if (name !== 'and' && name !== 'or') return operands.map(operand => this.operand(operand, sight));
    const outer = this.guards.length;
    const values = operands.map(operand => {
      const value = this.operand(operand, sight);
      const truth = this.bind(truthOf(value));
      this.guards.push(name === 'and' ? truth : not(truth));
      return value;
    });
    this.guards.length = outer;
    return values;
  }

  private call(name: string, args: TemplateValue[]): TemplateValue {
    const definition = templateFunctions[name];
    if (!definition) throw new Error(`BUG: unchecked template function ${name}`);
    const [least, most] = definition.arity;
    if (args.length < least || args.length > most) {
      const want = least === most ? String(least) : `at least ${least}`;
      this.fail('1', `wrong number of args for ${name}: want ${want} got ${args.length}`);
      return nothing;
    }
    return definition.write(args, this);
  }

  private fields(start: TemplateValue, fields: readonly string[]): TemplateValue {
    return fields.reduce((value, field) => {
      if (value === this.root) return text(find(this.row, field).value);
      if (value.type === 'json')
        return { sql: this.bind(`JSONExtractRaw(${value.sql}, ${quoteString(field)})`), type: 'json' };
      if (value.type === 'labels') return text(`${value.sql}[${quoteString(field)}]`);
      this.fail('1', `can't evaluate field ${field} in type ${typeName(value)}`);
      return text("''");
    }, start);
  }

  private operand(operand: Operand, sight: Sight): TemplateValue {
    switch (operand.kind) {
      case 'dot':
        return this.fields(sight.dot, operand.fields);
      case 'variable':
        return this.fields(
          operand.name === '$' ? this.root : (sight.cells.get(operand.name)?.value ?? nothing),
          operand.fields,
        );
      case 'pipe':
        return this.fields(this.pipe(operand.pipe, sight), operand.fields);
      case 'string':
        return { ...text(quoteString(operand.text)), constant: operand.text };
      case 'number': {
        const sql = operand.text.startsWith('-') ? `(${operand.text})` : operand.text;
        return operand.isInt
          ? { ...number(`toInt64(${sql})`, 'int'), constant: operand.text }
          : { ...number(`toFloat64(${sql})`, 'float64'), constant: operand.text };
      }
      case 'bool':
        return bool(operand.value ? '1' : '0');
      case 'nil':
        return nothing;
      case 'function':
        return this.call(operand.name, []);
    }
  }
}

const names = Object.keys(templateFunctions);

function compile(nodes: readonly TemplateNode[], row: Row, fault: Fault): TemplateSql {
  const compiler = new Compiler(row, fault);
  const sql = compiler.nodes(nodes, { dot: compiler.root, cells: new Map() });
  const failures = compiler.failures.filter(({ condition }) => condition !== '0');
  if (failures.length === 0) return { text: row.scope.bind(`toString(${sql})`), error: "''", details: "''" };
  const why = failures.map(({ condition, details }) => `${condition}, ${quoteString(`template: ${details}`)}`);
  return {
    text: row.scope.bind(`toString(${sql})`),
    error: row.scope.bind(choose(or(failures.map(f => f.condition)), "'TemplateFormatErr'", "''")),
    details: row.scope.bind(`multiIf(${why.join(', ')}, '')`),
  };
}

/** Why a text is no template, or none that can be written as SQL. */
export function templateFault(source: string): string | undefined {
  let found: string | undefined;
  const fault: Fault = reason => {
    found = reason;
    return new WeirError('bad_query', { reason });
  };
  try {
    compile(readTemplate(source, names, fault), storedRow(new Scope()), fault);
  } catch (error) {
    if (found === undefined) throw error;
  }
  return found;
}

/** The template over a row. */
export function templateSql(source: string, row: Row): TemplateSql {
  const fault: Fault = reason => new WeirError('bad_query', { reason: `parse error : invalid template: ${reason}` });
  return compile(readTemplate(source, names, fault), row, fault);
}
