import { spring } from './formats.ts';
import type { Micros } from './sink.ts';

/** What `payments` writes when its pool is empty: one record of many lines, as logback prints it. */
export function poolTimeout(at: Micros, thread: string, order: string, waiting: number): string {
  return (
    spring(at, 'ERROR', thread, 'c.shop.payments.api.ChargeController', `charge failed order=${order} attempt=1`) +
    `
org.springframework.jdbc.CannotGetJdbcConnectionException: Failed to obtain JDBC Connection
	at org.springframework.jdbc.datasource.DataSourceUtils.getConnection(DataSourceUtils.java:84)
	at org.springframework.jdbc.core.JdbcTemplate.execute(JdbcTemplate.java:653)
	at org.springframework.jdbc.core.JdbcTemplate.query(JdbcTemplate.java:754)
	at com.shop.payments.ledger.LedgerRepository.reserve(LedgerRepository.java:118)
	at com.shop.payments.charge.ChargeService.charge(ChargeService.java:71)
	at com.shop.payments.api.ChargeController.post(ChargeController.java:46)
	at java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)
	at org.springframework.web.method.support.InvocableHandlerMethod.doInvoke(InvocableHandlerMethod.java:255)
	at org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1089)
	at java.base/java.lang.Thread.run(Thread.java:1583)
Caused by: java.sql.SQLTransientConnectionException: payments-db - Connection is not available, request timed out after 3000ms (total=20, active=20, idle=0, waiting=${waiting})
	at com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:686)
	at com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:179)
	at com.zaxxer.hikari.HikariDataSource.getConnection(HikariDataSource.java:99)
	at org.springframework.jdbc.datasource.DataSourceUtils.fetchConnection(DataSourceUtils.java:160)
	... 10 more`
  );
}

/** A rare, unrelated failure of the same service, so that not every stack trace is the incident. */
export function declined(at: Micros, thread: string, order: string, reason: string): string {
  return (
    spring(
      at,
      'WARN',
      thread,
      'c.shop.payments.charge.ChargeService',
      `card declined order=${order} reason=${reason}`,
    ) +
    `
com.shop.payments.provider.DeclinedException: ${reason}
	at com.shop.payments.provider.CardProvider.authorize(CardProvider.java:92)
	at com.shop.payments.charge.ChargeService.charge(ChargeService.java:64)
	at com.shop.payments.api.ChargeController.post(ChargeController.java:46)
	... 14 more`
  );
}

/** What `inventory` prints when a supplier's feed is broken. */
export const feedError = (product: string, at: string): string =>
  `supplier feed rejected product=${product}
Traceback (most recent call last):
  File "/app/inventory/feeds.py", line 142, in apply
    row = parse_row(line)
  File "/app/inventory/feeds.py", line 61, in parse_row
    return Row(sku=cells[0], stock=int(cells[3]), updated=cells[4])
               ~~~^^^^^^^^^^
ValueError: invalid literal for int() with base 10: 'n/a' (line ${at})`;
