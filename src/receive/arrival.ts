import type { FastifyRequest } from 'fastify';

/** What a door is told of a request: the body is inflated, the rest as sent. */
export type Arrival = {
  body: Buffer;
  /** Media type without parameters, lower case; '' when there is none. */
  mediaType: string;
  headers: FastifyRequest['headers'];
  query: Record<string, string | string[] | undefined>;
  recordBytesMax: number;
};
