import { useEffect, useState } from 'react';
import { Icon } from '../../parts/icon.tsx';
import { shortCount } from '../../parts/format.ts';
import type { TailFeed } from './tail-feed.ts';
import { tailRows } from './tail-feed.ts';

/** What live tail is doing, above the list: state, rate, pause, and everything that is not shown. */
export function LiveBar({ tail, paused, onPause }: { tail: TailFeed; paused: boolean; onPause: () => void }) {
  const [, tick] = useState(0);
  const [spoken, setSpoken] = useState('');
  useEffect(() => {
    const timer = setInterval(() => tick(count => count + 1), 1000);
    // Screen readers hear counts, not lines, and seldom.
    const speech = setInterval(
      () =>
        setSpoken(
          tail.waiting.length
            ? `${tail.waiting.length} new records waiting`
            : `${Math.round(tail.rate())} records per second`,
        ),
      5000,
    );
    return () => {
      clearInterval(timer);
      clearInterval(speech);
    };
  }, [tail]);
  const rate = tail.rate();
  const said = {
    off: 'stopped',
    connecting: 'connecting …',
    reconnecting: 'connection lost, trying again …',
    live: paused ? 'paused' : tail.following ? 'live' : 'reading',
  }[tail.state];
  return (
    <div className="live-bar" data-testid="live-bar">
      <i className={`pulse ${tail.state === 'live' && tail.following ? '' : 'pulse-off'}`} />
      <b data-testid="live-state">{said}</b>
      <span data-testid="live-rate">{rate < 10 ? rate.toFixed(1) : shortCount(Math.round(rate))} / s</span>
      <button type="button" className="button" data-testid="live-pause" title="Space" onClick={onPause}>
        <Icon name={tail.following ? 'pause' : 'play'} /> {tail.following ? 'Pause' : 'Resume'}
      </button>
      {!tail.following && tail.waiting.length > 0 && (
        <button type="button" className="button accent" data-testid="live-new" onClick={onPause}>
          <Icon name="down" /> {tail.waiting.length.toLocaleString('en')} new
        </button>
      )}
      {tail.unseen > 0 && (
        <span className="flag" data-testid="live-unseen">
          {tail.unseen.toLocaleString('en')} passed unseen: run the query to see them
        </span>
      )}
      {tail.base > 0 && <span className="dim">last {tailRows.toLocaleString('en')} kept here</span>}
      {tail.warnings.map(warning => (
        <span className="flag" key={warning}>
          {warning}
        </span>
      ))}
      {tail.error && <span className="flag">{tail.error.message}</span>}
      <span className="offscreen" role="status">
        {spoken}
      </span>
    </div>
  );
}
