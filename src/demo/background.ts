import { access, coloured, logfmt, pino, postgres, python, syslog } from './formats.ts';
import type { Random } from './random.ts';
import { networks, products } from './shop.ts';
import type { Emit, Micros } from './sink.ts';
import type { Story } from './story.ts';
import { feedError } from './traces.ts';

const second = 1e6;

/** A thing that happens on its own, about every `every` µs. */
type Habit = { every: Micros; happen(at: Micros, random: Random, story: Story, emit: Emit): void };

const usersOnNodes = ['deploy', 'backup', 'admin'] as const;
const mails = ['order confirmation', 'shipping notice', 'password reset', 'newsletter'] as const;

const habits: readonly Habit[] = [
  {
    // The noisy health check: a fifth of all records and never of interest.
    every: 1.6 * second,
    happen: (at, random, _, emit) =>
      emit(
        'gateway',
        at,
        access(at, {
          ip: `10.0.3.${random.between(11, 18)}`,
          method: 'GET',
          path: '/healthz',
          status: 200,
          bytes: 2,
          agent: 'kube-probe/1.31',
          seconds: 0.001,
          trace: '-',
        }),
        { level: 'info', attributes: { method: 'GET', route: '/healthz', status: '200' } },
      ),
  },
  {
    every: 30 * second,
    happen: (at, random, story, emit) => {
      const rss = story.leakMegabytes(at) + random.between(-6, 6);
      const level = rss > 1500 ? 'WARNING' : 'INFO';
      emit(
        'inventory',
        at,
        python(
          at,
          level,
          'inventory.runtime',
          `memory rss=${rss.toFixed(0)}MB limit=2048MB objects=${Math.round(rss * 5210)} gc_gen2=${random.between(3, 9)}`,
        ),
      );
    },
  },
  {
    every: 9 * second,
    happen: (at, random, _, emit) => {
      const mail = random.pick(mails);
      const to = `u_${random.between(10_000, 18_000)}`;
      if (random.chance(0.02))
        emit(
          'notifications',
          at,
          coloured(at, 'error', `smtp 451 temporary failure sending ${mail} to ${to}, will retry in 60s`),
        );
      else if (random.chance(0.05))
        emit('notifications', at, coloured(at, 'warn', `queue depth ${random.between(200, 900)} above 200`));
      else
        emit('notifications', at, coloured(at, 'info', `sent ${mail} to ${to} in ${random.skewed(210).toFixed(0)}ms`));
    },
  },
  {
    every: 60 * second,
    happen: (at, random, _, emit) =>
      emit(
        'payments-db',
        at,
        postgres(
          at,
          71,
          '@',
          `LOG:  checkpoint complete: wrote ${random.between(90, 900)} buffers (${(random.next() * 4).toFixed(1)}%); write=${(random.next() * 30).toFixed(3)} s, sync=0.012 s, total=${(random.next() * 31).toFixed(3)} s`,
        ),
      ),
  },
  {
    every: 14 * second,
    happen: (at, random, _, emit) => {
      const ip = random.pick(networks) + random.between(1, 254);
      const kind = random.next();
      if (kind < 0.35)
        emit(
          'nodes',
          at,
          syslog(
            at,
            'node-17',
            `sshd[${random.between(900, 32_000)}]`,
            `Failed password for invalid user ${random.pick(['root', 'oracle', 'test', 'ubuntu'])} from ${ip} port ${random.between(30_000, 60_000)} ssh2`,
          ),
        );
      else if (kind < 0.5)
        emit(
          'nodes',
          at,
          syslog(
            at,
            'node-17',
            `sshd[${random.between(900, 32_000)}]`,
            `Accepted publickey for ${random.pick(usersOnNodes)} from 10.0.0.${random.between(2, 40)} port ${random.between(30_000, 60_000)} ssh2: ED25519 SHA256:${random.hex(32)}`,
          ),
        );
      else if (kind < 0.75)
        emit(
          'nodes',
          at,
          syslog(
            at,
            'node-17',
            `CRON[${random.between(900, 32_000)}]`,
            '(root) CMD (/usr/local/bin/rotate-metrics.sh)',
          ),
        );
      else if (kind < 0.9)
        emit(
          'nodes',
          at,
          syslog(
            at,
            'node-17',
            'kubelet[812]',
            `I${random.between(1000, 9999)} prober.go:107] "Probe succeeded" pod="shop/checkout" latency="${random.skewed(3).toFixed(1)}ms"`,
          ),
        );
      else
        emit(
          'nodes',
          at,
          syslog(
            at,
            'node-17',
            'kernel',
            `[${(at / second - 1.7e9).toFixed(6)}] IPv4: martian source 10.0.3.${random.between(2, 250)} from 10.0.3.${random.between(2, 250)}, on dev cni0`,
          ),
        );
    },
  },
  {
    every: 120 * second,
    happen: (at, random, _, emit) =>
      emit(
        'users',
        at,
        logfmt(at, 'debug', 'session sweep', {
          expired: random.between(20, 400),
          active: random.between(3000, 9000),
          took: `${random.skewed(14).toFixed(1)}ms`,
        }),
      ),
  },
  {
    every: 1500 * second,
    happen: (at, random, _, emit) =>
      emit(
        'inventory',
        at,
        python(at, 'ERROR', 'inventory.feeds', feedError(random.pick(products), String(random.between(40, 9000)))),
      ),
  },
];

/** All habits between `from` and `to`; each happens at a time that only depends on the clock, so slices join without gaps. */
export function background(from: Micros, to: Micros, random: Random, story: Story, emit: Emit): void {
  for (const habit of habits) {
    for (let at = Math.ceil(from / habit.every) * habit.every; at < to; at += habit.every)
      habit.happen(at + random.between(0, 900_000), random, story, emit);
  }
}

/** The roll-out of `checkout` v1.8.3: written once, 40 minutes before the start. */
export function deployment(story: Story, random: Random, emit: Emit): void {
  const at = story.deployAt;
  const say = (after: number, text: string): void =>
    emit('nodes', at + after * second, syslog(at + after * second, 'node-17', 'deployer[4411]', text));
  say(0, 'rollout started service=checkout from=v1.8.2 to=v1.8.3 by=ci commit=9f31c07 "fraud check before capture"');
  for (const [index, pod] of ['2xvlm', '9wqjr', 'kd6sn'].entries()) {
    const ready = at + (6 + index * 7) * second;
    emit(
      'checkout',
      ready,
      pino(ready, 'info', 'checkout v1.8.3 listening on :8080', {
        version: 'v1.8.3',
        pod: `checkout-7d4f9c8b55-${pod}`,
        bootMs: random.between(700, 1400),
      }),
      { attributes: { version: 'v1.8.3' } },
    );
  }
  say(24, 'rollout finished service=checkout version=v1.8.3 pods=3/3 duration=24s');
}
