import { comparisonOperators } from './operators.ts';
import type { Binary, MetricQuery } from './tree.ts';

export type SortOrder = 'ASC' | 'DESC';

const opposite = (order: SortOrder): SortOrder => (order === 'ASC' ? 'DESC' : 'ASC');

function sortsAnywhere(query: MetricQuery): boolean {
  switch (query.kind) {
    case 'vector_aggregation':
      return query.fn === 'sort' || query.fn === 'sort_desc' || sortsAnywhere(query.inner);
    case 'label_replace':
      return sortsAnywhere(query.inner);
    case 'binary':
      return sortsAnywhere(query.left) || sortsAnywhere(query.right);
    default:
      return false;
  }
}

/** A number beside a sorted vector keeps its order, turns it round, or (undefined) mixes it. */
function besideNumber({ op, bool, left, right }: Binary): SortOrder | undefined {
  const [vector, number] = right.kind === 'literal' ? [left, right] : [right, left];
  const order = number.kind === 'literal' ? valueOrder(vector) : undefined;
  if (order === undefined || number.kind !== 'literal') return undefined;
  if (comparisonOperators.has(op)) return bool ? undefined : order;
  const numberIsRight = number === right;
  if (op === '+') return order;
  if (op === '-') return numberIsRight ? order : opposite(order);
  if (op === '*' || (op === '/' && numberIsRight)) return number.value > 0 ? order : opposite(order);
  return undefined;
}

/**
 * The order by value that an instant query asks for: `sort` and `sort_desc`, also below label_replace and numbers, and topk or bottomk of something
 * sorted. All else comes by label set, topk and bottomk too.
 */
export function valueOrder(query: MetricQuery): SortOrder | undefined {
  switch (query.kind) {
    case 'vector_aggregation':
      if (query.fn === 'sort') return 'ASC';
      if (query.fn === 'sort_desc') return 'DESC';
      if (!sortsAnywhere(query.inner)) return undefined;
      if (query.fn === 'bottomk') return 'ASC';
      return query.fn === 'topk' || query.fn === 'approx_topk' ? 'DESC' : undefined;
    case 'label_replace':
      return valueOrder(query.inner);
    case 'binary':
      return besideNumber(query);
    default:
      return undefined;
  }
}
