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
