import { useEffect, useRef } from 'react';

/** Keys of the page, as shown in the help and told in `useKeys`. */
export const keyHelp: readonly [keys: string, what: string][] = [
  ['/', 'edit the query'],
  ['Enter', 'run it; in the list: open the record'],
  ['Ctrl+Space', 'what may stand here: ↓ ↑ choose, Tab takes'],
  ['j  k', 'next, previous record'],
  ['g  G', 'first, last loaded record'],
  ['e  E', 'next, previous error'],
  ['c', 'context of the record'],
  ['y', 'copy a link to the record'],
  ['Ctrl+F', 'find in the loaded records (twice: the browser’s own)'],
  ['n  N', 'next, previous find'],
  ['d', 'time range'],
  ['[  ]', 'half a range earlier, later'],
  ['z', 'zoom out'],
  ['t', 'live tail'],
  ['Space', 'pause and resume live tail'],
  ['u', 'undo the last change of the query'],
  ['p', 'patterns: the kinds of lines'],
  ['f', 'show or hide fields'],
  ['w', 'wrap lines'],
  ['Esc', 'close'],
  ['?', 'this help'],
];

export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="help"
      onClose={onClose}
      onClick={event => event.target === dialog.current && dialog.current.close()}
      aria-label="Keyboard shortcuts"
      data-testid="help"
    >
      <h2>Keys</h2>
      <dl>
        {keyHelp.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split('  ').map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p className="dim">
        In the histogram: arrow keys choose, Shift extends, Enter zooms in. Alt+click on a field value excludes it.
      </p>
      <form method="dialog">
        <button type="submit" className="button">
          Close
        </button>
      </form>
    </dialog>
  );
}
