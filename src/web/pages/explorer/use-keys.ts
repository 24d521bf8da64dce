import { useEffect, useRef } from 'react';

export type KeyActions = Partial<Record<string, () => void>>;

/**
 * Single-key actions of the page, by `KeyboardEvent.key`; Ctrl+F and Cmd+F are `find`. Silent while a text is being typed, while a dialog is
 * open and for keys with Ctrl, Alt or Cmd. An action that is absent leaves the key to the browser.
 */
export function useKeys(actions: KeyActions): void {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const target = event.target instanceof HTMLElement ? event.target : null;
      const find = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'f';
      if (!find) {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (target?.closest('input, textarea, select, dialog, [contenteditable]')) return;
        // Enter and Space on a button press the button.
        if (target?.closest('button, a, summary') && (event.key === 'Enter' || event.key === ' ')) return;
      }
      const action = current.current[find ? 'find' : event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
}
