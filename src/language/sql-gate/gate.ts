import { nearest } from '../../base/nearest.ts';
import { WeirError } from '../../base/errors.ts';
import { tenantCondition } from '../selector-sql.ts';
import { quoteName, quoteString } from '../sql-writer.ts';
import { sqlFunctionAllowed, sqlFunctions } from './functions.ts';
import { readSyntaxTree, type SyntaxNode } from './syntax-tree.ts';

/**
 * The gate in front of people's own SQL. Text never reaches the engine as a statement before
 * 1. the engine's formatter has read it as exactly one statement without comments ({@link canonicalSql}),
 * 2. the engine's parser has given the tree of the very text that will run ({@link treeSql}), and
 * 3. every node of the tree is of a known kind, every table one of the views, every function on the list ({@link admit}).
 * It then runs as a subquery behind the views ({@link gatedSql}), which hold the records of its tenant only.
 * Behind the gate stand the row filters and grants of store/engine/config-file.ts.
 */

/** Tables that people may ask; see docs/sql.md for their columns. */
export const sqlViews = ['records', 'quarantine', 'streams', 'templates'] as const;
export type SqlView = (typeof sqlViews)[number];

/** A statement that gives the text in the engine's own form, in a column `text`; it fails when the text is not one statement. */
export const canonicalSql = (text: string): string => `SELECT formatQuerySingleLine(${quoteString(text)}) AS text`;

const wrapped = (canonical: string): string => `SELECT * FROM (${canonical})`;

/**
 * A statement that gives the lines of the syntax tree in a column `explain`. FORMAT and SETTINGS that the store puts behind it are in the tree too, beside
 * the subquery. (Not as a subquery of a SELECT: the engine then prints a tree without the definitions of windows.)
 */
export const treeSql = (canonical: string): string => `EXPLAIN AST ${wrapped(canonical)}`;

/** The tree of the text itself: below `SELECT * FROM (...)`. */
function innerTree(root: SyntaxNode): SyntaxNode {
  let node = root;
  for (const kind of [
    'ExpressionList',
    'SelectQuery',
    'TablesInSelectQuery',
    'TablesInSelectQueryElement',
    'TableExpression',
    'Subquery',
    'SelectWithUnionQuery',
  ]) {
    const [next, ...others] = node.children.filter(
      child => child.kind === kind && (kind !== 'ExpressionList' || node === root),
    );
    if (!next || others.length > 0) throw refuse('only one SELECT is possible here');
    node = next;
  }
  return node;
}

/** Kinds of nodes that only compute. Not here, among others: Set (SETTINGS), and the transformers APPLY, whose function the tree does not show. */
const harmless = new Set([
  'SelectWithUnionQuery',
  'SelectIntersectExceptQuery',
  'SelectQuery',
  'ExpressionList',
  'Subquery',
  'WithElement',
  'Literal',
  'Asterisk',
  'QualifiedAsterisk',
  'ColumnsListMatcher',
  'ColumnsRegexpMatcher',
  'QualifiedColumnsRegexpMatcher',
  'ColumnsTransformerList',
  'ColumnsExceptTransformer',
  'ColumnsReplaceTransformer',
  'ColumnsReplaceTransformer::Replacement',
  'TablesInSelectQuery',
  'TablesInSelectQueryElement',
  'TableJoin',
  'ArrayJoin',
  'OrderByElement',
  'WindowDefinition',
  'WindowListElement',
]);

const refuse = (reason: string): WeirError => new WeirError('bad_query', { reason: `SQL: ${reason}` });

/** Refuse what is no SELECT. `canonical`: the text in the engine's form. Throws `bad_query`. */
export function admitStatement(canonical: string): void {
  if (!/^(SELECT|WITH)\b/.test(canonical)) throw refuse('only SELECT is possible here');
}

/** The fault of a SELECT by itself that is none in parentheses. */
export const clauseFault = (): WeirError => refuse('FORMAT and INTO OUTFILE cannot be used; the answer is NDJSON');

/** Names of the WITH clauses of a text in the engine's form. Only they and the views may stand as tables. */
function subqueryNames(canonical: string): Set<string> {
  const withoutLiterals = canonical.replace(/'(?:[^'\\]|\\.)*'/gs, "''");
  return new Set(
    Array.from(withoutLiterals.matchAll(/(?<![\w.`])([A-Za-z_]\w*) AS \((?:SELECT|WITH)\b/g), m => m[1] ?? ''),
  );
}

/** What the engine writes for a SELECT without FROM. */
const nothing = 'system.one';

function admitTable(name: string, known: ReadonlySet<string>): void {
  if (known.has(name) || name === nothing) return;
  throw refuse(
    `table ${JSON.stringify(name)} cannot be read here; the tables are ${sqlViews.join(', ')}, and subqueries named by WITH`,
  );
}

function admitFunction(name: string): void {
  if (sqlFunctionAllowed(name)) return;
  const near = nearest(name, sqlFunctions);
  throw refuse(
    `function ${JSON.stringify(name)} is not allowed here${near ? `; did you mean ${near}` : ''}: only functions that compute from their arguments are`,
  );
}

const setOperators = new Set(['in', 'notin', 'globalin', 'globalnotin', 'nullin', 'notnullin']);

function admitNode(node: SyntaxNode, known: ReadonlySet<string>): void {
  const { kind, name, children } = node;
  if (kind === 'SelectWithUnionQuery' && children.length !== 1) throw clauseFault();
  if (kind === 'TableExpression') {
    const [table] = children;
    if (children.length !== 1 || !table || !['TableIdentifier', 'Subquery'].includes(table.kind))
      throw refuse(
        table?.kind === 'Function'
          ? `table function ${JSON.stringify(table.name)} cannot be used; the tables are ${sqlViews.join(', ')}`
          : 'FINAL and SAMPLE cannot be used',
      );
  } else if (kind === 'TableIdentifier') admitTable(name, known);
  else if (kind === 'Function') {
    admitFunction(name);
    // A bare name on the right of IN is a table.
    const right = setOperators.has(name.toLowerCase()) ? children[0]?.children.at(-1) : undefined;
    if (right?.kind === 'Identifier') admitTable(right.name, known);
  } else if (kind === 'Set') throw refuse('SETTINGS cannot be used');
  else if (kind !== 'Identifier' && !harmless.has(kind)) throw refuse(`${kind} cannot be used here`);
  for (const child of children) admitNode(child, known);
}

/**
 * Refuse what people's SQL may not do. `canonical`: the text in the engine's form; `lines`: the answer to {@link treeSql}.
 * Throws `bad_query` naming the table, function or clause.
 */
export function admit(canonical: string, lines: readonly string[]): void {
  admitNode(innerTree(readSyntaxTree(lines)), new Set<string>([...sqlViews, ...subqueryNames(canonical)]));
}

/** Views of a tenant's rows, each SQL that may stand after FROM in parentheses. */
export type ViewTexts = Record<SqlView, readonly string[]>;

/** The admitted text over the rows of one tenant, at most `rowsMax` rows. */
export function gatedSql(canonical: string, tenant: string, views: ViewTexts, rowsMax: number): string {
  const clauses = sqlViews.map(view => {
    const legs = views[view].map(source => `SELECT * FROM ${source} WHERE ${tenantCondition([tenant])}`);
    return `${quoteName(view)} AS (${legs.join(' UNION ALL ')})`;
  });
  // A name of a WITH clause used where that clause does not reach would be looked for among the engine's tables and files.
  const outer = [...subqueryNames(canonical)]
    .filter(name => !(sqlViews as readonly string[]).includes(name))
    .map(name => `${quoteName(name)} AS (SELECT throwIf(1, 'a name of WITH is used outside of its query') AS nothing)`);
  return `WITH ${[...clauses, ...outer].join(', ')} ${wrapped(canonical)} LIMIT ${rowsMax}`;
}
