import type { Level } from '../base/record.ts';
import { access, logfmt, pino, postgres, python, spring } from './formats.ts';
import type { Random } from './random.ts';
import { agents, countries, currencies, networks, products, searches } from './shop.ts';
import type { Emit, Micros } from './sink.ts';
import type { Story } from './story.ts';
import { declined, poolTimeout } from './traces.ts';

const ms = 1000;

/** One person's request, on its way through the services. All its records carry the same trace id. */
type Request = {
  at: Micros;
  trace: string;
  ip: string;
  agent: string;
  user: number;
  random: Random;
  emit: Emit;
  story: Story;
};

const levelOfStatus = (status: number): Level => (status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info');

function answer(r: Request, method: string, path: string, status: number, seconds: number): void {
  const at = r.at + seconds * 1e6;
  const route = path.replace(/\?.*$/, '').replace(/\/(ord_\w+|[a-z]+(?:-[a-z]+)+)$/, '/:id');
  r.emit(
    'gateway',
    at,
    access(at, {
      ip: r.ip,
      method,
      path,
      status,
      bytes: status >= 400 ? r.random.between(150, 420) : r.random.between(900, 48_000),
      agent: r.agent,
      seconds,
      trace: r.trace,
    }),
    {
      level: levelOfStatus(status),
      trace: r.trace,
      span: r.random.hex(16),
      attributes: { method, route, status: String(status) },
    },
  );
}

function browse(r: Request): void {
  const product = r.random.pick(products);
  const took = r.random.skewed(34);
  const gone = r.random.chance(0.012);
  if (r.random.chance(0.3)) {
    const at = r.at + 4 * ms;
    r.emit(
      'inventory',
      at,
      python(
        at,
        'INFO',
        'inventory.stock',
        `stock lookup sku=${product} count=${r.random.between(0, 240)} cache=${r.random.chance(0.8) ? 'hit' : 'miss'} took=${(took / 3).toFixed(1)}ms`,
      ),
      { trace: r.trace, span: r.random.hex(16) },
    );
  }
  answer(r, 'GET', `/products/${product}`, gone ? 404 : 200, took / 1000);
}

function find(r: Request): void {
  answer(
    r,
    'GET',
    `/search?q=${r.random.pick(searches)}&page=${r.random.between(1, 3)}`,
    200,
    r.random.skewed(88) / 1000,
  );
}

function login(r: Request): void {
  const took = r.random.skewed(120);
  const wrong = r.random.chance(0.07);
  const at = r.at + took * 0.9 * ms;
  const fields = {
    user: `u_${r.user}`,
    ip: r.ip,
    method: 'password',
    country: r.random.pick(countries),
    duration: `${took.toFixed(1)}ms`,
    trace_id: r.trace,
  };
  r.emit(
    'users',
    at,
    wrong
      ? logfmt(at, 'warn', 'login failed', { ...fields, reason: 'bad password', attempts: r.random.between(1, 4) })
      : logfmt(at, 'info', 'login ok', fields),
    { trace: r.trace, span: r.random.hex(16) },
  );
  answer(r, 'POST', '/login', wrong ? 401 : 200, took / 1000);
}

function cart(r: Request): void {
  const took = r.random.skewed(45);
  const at = r.at + took * 0.8 * ms;
  r.emit(
    'checkout',
    at,
    pino(at, 'info', 'cart updated', {
      version: r.story.checkoutVersion(at),
      reqId: r.trace.slice(0, 12),
      trace_id: r.trace,
      userId: `u_${r.user}`,
      items: r.random.between(1, 7),
      responseTime: Math.round(took),
    }),
    { trace: r.trace, span: r.random.hex(16) },
  );
  answer(r, 'POST', '/cart', 200, took / 1000);
}

/** Checkout and payment: the journey that the incident breaks. */
function pay(r: Request): void {
  const { random, emit, trace, story } = r;
  const order = `ord_${random.hex(8)}`;
  const amount = Math.round(random.skewed(4200)) / 100;
  const currency = random.pick(currencies);
  const version = story.checkoutVersion(r.at);
  const own = { trace, span: random.hex(16), attributes: { version } };
  const common = { version, reqId: trace.slice(0, 12), trace_id: trace, userId: `u_${r.user}`, orderId: order };
  const thread = `nio-8080-exec-${random.between(1, 48)}`;
  const logger = 'c.shop.payments.charge.ChargeService';

  let at = r.at + 3 * ms;
  emit(
    'users',
    at,
    logfmt(at, 'info', 'session checked', {
      user: `u_${r.user}`,
      duration: `${random.skewed(2.4).toFixed(2)}ms`,
      trace_id: trace,
    }),
    { trace, span: random.hex(16) },
  );
  at += 5 * ms;
  emit('checkout', at, pino(at, 'info', 'checkout started', { ...common, amount, currency }), own);
  if (version === 'v1.8.3') {
    at += 2 * ms;
    emit(
      'checkout',
      at,
      pino(at, 'warn', 'fraud check inside open transaction, connection held', {
        ...common,
        holdMs: random.between(1800, 4200),
      }),
      own,
    );
  }
  at += 6 * ms;
  const paymentSpan = { trace, span: random.hex(16) };
  if (random.chance(story.poolFailure(at))) {
    const waiting = random.between(12, 148);
    if (random.chance(0.45)) {
      const refused = at + random.between(20, 900) * ms;
      const message = random.chance(0.7)
        ? 'remaining connection slots are reserved for roles with the SUPERUSER attribute'
        : 'sorry, too many clients already';
      emit(
        'payments-db',
        refused,
        postgres(refused, random.between(20_000, 32_000), 'payments@ledger', `FATAL:  ${message}`),
        { attributes: { sqlstate: '53300' } },
      );
    }
    at += 3000 * ms + random.between(0, 40) * ms;
    emit('payments', at, poolTimeout(at, thread, order, waiting), paymentSpan);
    at += 4 * ms;
    emit(
      'checkout',
      at,
      pino(at, 'error', 'payment failed', {
        ...common,
        peer: 'payments',
        err: { type: 'UpstreamError', message: 'payments answered 503', code: 'E_UPSTREAM' },
        responseTime: 3020,
      }),
      own,
    );
    return answer(r, 'POST', '/checkout', random.chance(0.85) ? 500 : 502, (at - r.at) / 1e6 + 0.006);
  }
  const slow = story.poolFailure(at) > 0.05 ? random.skewed(900) : random.skewed(60);
  at += slow * ms;
  if (slow > 500 || random.chance(0.12)) {
    emit(
      'payments-db',
      at,
      postgres(
        at,
        random.between(20_000, 32_000),
        'payments@ledger',
        `LOG:  duration: ${slow.toFixed(3)} ms  statement: INSERT INTO ledger_entries (order_id, amount, currency) VALUES ($1, $2, $3) RETURNING id`,
      ),
      { attributes: { table: 'ledger_entries' } },
    );
  }
  if (random.chance(0.03)) {
    emit(
      'payments',
      at,
      declined(at, thread, order, random.pick(['insufficient_funds', 'expired_card', 'do_not_honor'])),
      paymentSpan,
    );
    emit(
      'checkout',
      at + ms,
      pino(at + ms, 'warn', 'payment declined', { ...common, responseTime: Math.round((at - r.at) / ms) }),
      own,
    );
    return answer(r, 'POST', '/checkout', 402, (at - r.at) / 1e6 + 0.004);
  }
  emit(
    'payments',
    at,
    spring(
      at,
      'INFO',
      thread,
      logger,
      `charged order=${order} amount=${amount.toFixed(2)} ${currency} provider=acme-pay took=${Math.round(slow)}ms`,
    ),
    paymentSpan,
  );
  at += 3 * ms;
  emit(
    'checkout',
    at,
    pino(at, 'info', 'order placed', { ...common, amount, currency, responseTime: Math.round((at - r.at) / ms) }),
    own,
  );
  answer(r, 'POST', '/checkout', 201, (at - r.at) / 1e6 + 0.003);
}

/** One request that somebody makes at `at`. */
export function request(at: Micros, random: Random, story: Story, emit: Emit): void {
  const r: Request = {
    at,
    trace: random.hex(32),
    ip: random.pick(networks) + random.between(1, 254),
    agent: random.pick(agents),
    user: 10_000 + Math.floor(random.next() ** 2 * 8_000),
    random,
    emit,
    story,
  };
  const kind = random.next();
  if (kind < 0.44) browse(r);
  else if (kind < 0.58) find(r);
  else if (kind < 0.66) login(r);
  else if (kind < 0.86) cart(r);
  else pay(r);
}
