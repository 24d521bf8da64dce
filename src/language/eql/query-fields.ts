import type { EqlQuery, EventFilter, Expression, Field } from './tree.ts';

/** Every field that an expression names, in order. */
export function expressionFields(expression: Expression): Field[] {
  switch (expression.kind) {
    case 'field':
      return [expression];
    case 'literal':
      return [];
    case 'call':
      return expression.args.flatMap(expressionFields);
    case 'arithmetic':
    case 'compare':
      return [...expressionFields(expression.left), ...expressionFields(expression.right)];
    case 'match':
      return expressionFields(expression.left);
    case 'in':
      return [expression.left, ...expression.list].flatMap(expressionFields);
    case 'and':
    case 'or':
    case 'least':
      return expression.items.flatMap(expressionFields);
    default:
      return expressionFields(expression.of);
  }
}

/** Every field that a query names; `category` is the one that its categories are values of. */
export function queryFields(query: EqlQuery, category: Field): Field[] {
  const filter = (event: EventFilter): Field[] => [
    ...(event.category === undefined ? [] : [category]),
    ...expressionFields(event.where),
  ];
  const piped = query.pipes.flatMap(pipe => ('by' in pipe ? [...pipe.by] : []));
  if (query.kind === 'event') return [...filter(query.event), ...piped];
  const steps = query.steps.flatMap(step => [...filter(step.event), ...step.by]);
  const until = query.kind === 'sequence' && query.until ? [...filter(query.until.event), ...query.until.by] : [];
  return [...query.by, ...steps, ...until, ...piped];
}

/** Comparisons, tests and calculations of an expression: what the engine has to analyse. A list is one. */
export function countIn(expression: Expression): number {
  switch (expression.kind) {
    case 'field':
    case 'literal':
      return 0;
    case 'call':
      return expression.args.reduce((sum, arg) => sum + countIn(arg), 1);
    case 'arithmetic':
    case 'compare':
      return 1 + countIn(expression.left) + countIn(expression.right);
    case 'match':
      return 1 + countIn(expression.left);
    case 'in':
      return expression.list.reduce((sum, item) => sum + countIn(item), 1 + countIn(expression.left));
    case 'and':
    case 'or':
    case 'least':
      return expression.items.reduce((sum, item) => sum + countIn(item), 0);
    default:
      return countIn(expression.of);
  }
}

/** As `countIn`, of all events of a query. */
export function countTests(query: EqlQuery): number {
  if (query.kind === 'event') return countIn(query.event.where);
  const steps = query.steps.reduce((sum, step) => sum + countIn(step.event.where), 0);
  return steps + (query.kind === 'sequence' && query.until ? countIn(query.until.event.where) : 0);
}
