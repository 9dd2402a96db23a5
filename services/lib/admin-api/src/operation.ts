import { z } from 'zod';
import type { ConsoleRole } from './console-roles.ts';

/** What an operation is for, as the server's RouteAccess says of all routes. */
export type OperationAccess = 'open' | 'read' | 'issue' | 'write' | 'grant';

/** What an act is recorded as. */
export interface AuditedAct {
  /** `<noun>.<verb>`, such as `user.ban`. */
  readonly act: string;
  /** Kind of what it changes, such as `user`. */
  readonly kind: string;
  /** The parameter of path or query, or field of the body, that names it; absent when there is none. */
  readonly param?: string;
  /** Fields of which the record has only the last four characters, such as a phone number. @default none */
  readonly masked?: readonly string[];
  /** Fields that the record does not have at all, such as tokens. @default none */
  readonly omitted?: readonly string[];
}

/** What a session of the console needs for an operation. */
export interface ConsoleAccess {
  /** Least role in the tenant; `session`: none, any session will do; `never`: no session may, as what it answers is for no browser. */
  readonly role: ConsoleRole | 'session' | 'never';
  /** A reason must be given, as for reading message texts. @default false */
  readonly reason?: boolean;
  /** The role is needed for all tenants, or in the only one. @default false */
  readonly cluster?: boolean;
}

/** One operation of the API: what it takes and answers, and its limits. Server, client and document are made of it. */
export interface Operation<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  A extends z.ZodType = z.ZodType,
> {
  /** Name in the document, unique. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below {@link ADMIN_BASE}, with parameters as `{userID}`. */
  readonly path: string;
  /** What it is for, by which tokens of backends are refused. */
  readonly access: OperationAccess;
  /** Group in the document. */
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** One JSON object; with `stream`, each line of the answer. */
  readonly answer: A;
  /** The answer is NDJSON: objects on lines, until the last one that the schema allows. @default false */
  readonly stream?: boolean;
  /** The lines come as something changes, and are sent at once; with `stream`. @default false */
  readonly live?: boolean;
  /** Recorded before and after it is done; absent on reads that need no record. */
  readonly audit?: AuditedAct;
  /** What a session of the console needs. @default the role `admin` */
  readonly console?: ConsoleAccess;
  /** Needs neither token nor session: what it takes proves the right. @default false */
  readonly open?: boolean;
  /** Requests per second that one API process takes of a tenant, and as many at once. @default 50 */
  readonly perSecond?: number;
}

/** No parameters, query or body. */
export const NOTHING = z.strictObject({});
type Nothing = typeof NOTHING;

/** An operation as it is written down: absent parts take nothing. */
type Definition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType> = Omit<
  Operation,
  'params' | 'query' | 'body' | 'answer'
> & { readonly params?: P; readonly query?: Q; readonly body?: B; readonly answer: A };

/** Completes a definition. */
export function operation<
  A extends z.ZodType,
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(definition: Definition<P, Q, B, A>): Operation<P, Q, B, A> {
  const nothing: z.ZodType = NOTHING;
  return {
    ...definition,
    params: definition.params ?? (nothing as P),
    query: definition.query ?? (nothing as Q),
    body: definition.body ?? (nothing as B),
  };
}

type Part<K extends string, S extends z.ZodType> =
  Record<string, never> extends z.input<S>
    ? { readonly [key in K]?: z.input<S> }
    : {} extends z.input<S>
      ? { readonly [key in K]?: z.input<S> }
      : { readonly [key in K]: z.input<S> };

/** What a caller gives an operation. */
export type Given<O extends Operation> = Part<'params', O['params']> &
  Part<'query', O['query']> &
  Part<'body', O['body']>;

/** What an operation has once it was validated. */
export interface Taken<O extends Operation> {
  readonly params: z.output<O['params']>;
  readonly query: z.output<O['query']>;
  readonly body: z.output<O['body']>;
}

/** What an operation answers. */
export type Answer<O extends Operation> = z.output<O['answer']>;
