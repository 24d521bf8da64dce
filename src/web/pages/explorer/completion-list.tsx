import type { Completion } from '../../../query/contract.ts';
import { shortCount } from '../../parts/format.ts';
import type { CompletionList } from './use-completion.ts';

const kinds: Record<Completion['kind'], string> = {
  field: 'field',
  value: 'value',
  function: 'function',
  stage: 'stage',
  operator: 'operator',
  keyword: 'LogQL',
};

export const completionId = 'query-completion';
export const optionId = (index: number): string => `${completionId}-${index}`;

/** What may stand at the cursor. The keyboard stays in the query box; see QueryInput. */
export function Completions({
  list,
  text,
  onTake,
}: {
  list: CompletionList;
  text: string;
  onTake: (item: Completion) => void;
}) {
  const column = list.from - (text.lastIndexOf('\n', list.from - 1) + 1);
  return (
    <div
      className="completions"
      role="listbox"
      id={completionId}
      aria-label="Suggestions"
      data-testid="completions"
      style={{ left: `min(${column}ch, calc(100% - 400px))` }}
    >
      {list.items.map((item, index) => (
        <div
          key={`${item.kind} ${item.label}`}
          id={optionId(index)}
          role="option"
          aria-selected={index === list.chosen}
          className={`completion ${index === list.chosen ? 'completion-on' : ''}`}
          // Pressing must not take the focus out of the box.
          onMouseDown={event => {
            event.preventDefault();
            onTake(item);
          }}
        >
          <i className={`completion-kind kind-${item.kind}`} title={kinds[item.kind]} />
          <span className="completion-label">{item.label}</span>
          <span className="completion-detail">
            {item.detail ?? (item.kind === 'field' || item.kind === 'value' ? '' : kinds[item.kind])}
          </span>
          <span className="completion-count">{item.count === undefined ? '' : shortCount(item.count)}</span>
        </div>
      ))}
      <div className="completions-foot" aria-hidden="true">
        <kbd>↓</kbd> choose <kbd>Tab</kbd> take <kbd>Esc</kbd> close
      </div>
    </div>
  );
}
