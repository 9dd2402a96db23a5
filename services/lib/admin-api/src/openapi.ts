import { z } from 'zod';
import { ADMIN_BASE } from './admin-base.ts';
import { CONSOLE_COOKIE, CONSOLE_HEADER } from './console-roles.ts';
import { FailureBody } from './fields.ts';
import { NOTHING, type Operation } from './operation.ts';
import { OPERATIONS } from './operations/index.ts';

type Json = Record<string, unknown>;

/** What may be answered instead, by HTTP status. */
const REFUSALS: Readonly<Record<string, string>> = {
  '400': 'A parameter or field is wrong; `field` names it.',
  '401': 'The token is missing or does not pass.',
  '403': 'The token is not that of an administrator.',
  '404': 'There is no such thing.',
  '409': 'What it needs is not so (any more).',
  '413': 'The body is too large.',
  '429': 'Too many requests; wait as long as `Retry-After` says.',
  '503': 'Something is not available for now; try again.',
};

/** A schema as JSON Schema, its named parts moved to the components. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', components: Json): Json {
  const { $schema: _, $defs = {}, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  const renamed = (value: unknown): Json =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
  for (const [name, part] of Object.entries($defs as Json)) {
    const { id: _id, ...named } = renamed(part);
    components[name] = named;
  }
  return renamed(rest);
}

function parameters(schema: z.ZodType, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' }) as Json;
  return Object.entries(properties as Record<string, Json>).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || (required as string[]).includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }));
}

function describe(one: Operation, components: Json): Json {
  const { id, tag, summary, description, params, query, body, answer, stream = false, open = false } = one;
  const given = [...parameters(params, 'path'), ...parameters(query, 'query')];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(open && { security: [] }),
    ...(given.length > 0 && { parameters: given }),
    ...(body !== NOTHING && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(body, 'input', components) } },
      },
    }),
    responses: {
      '200': {
        description: stream ? 'Objects, one per line.' : 'Done.',
        content: {
          [stream ? 'application/x-ndjson' : 'application/json']: {
            schema: schemaOf(answer, 'output', components),
          },
        },
      },
      ...Object.fromEntries(
        Object.keys(REFUSALS).map((status) => [status, { $ref: `#/components/responses/Refused${status}` }]),
      ),
    },
  };
}

/** The OpenAPI 3.1 document of all operations. */
export function openApi(version: string): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const one of OPERATIONS) {
    const path = ADMIN_BASE + one.path;
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: describe(one, schemas) };
  }
  const failure = { 'application/json': { schema: schemaOf(FailureBody, 'output', schemas) } };
  const responses = Object.fromEntries(
    Object.entries(REFUSALS).map(([status, description]) => [
      `Refused${status}`,
      { description, content: failure },
    ]),
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'Administration of a tenant',
      version,
      description:
        'Every request carries the token of an administrator, of `/auth/get_admin_token`; the tenant follows from the path prefix `/t/<tenant>`, the host name, or is the default one.',
    },
    security: [{ token: [] }, { bearer: [] }, { console: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'apiKey', in: 'header', name: 'token' },
        bearer: { type: 'http', scheme: 'bearer' },
        console: {
          type: 'apiKey',
          in: 'cookie',
          name: CONSOLE_COOKIE,
          description: `A session of the console, with the header \`${CONSOLE_HEADER}: 1\`, from the same origin.`,
        },
      },
      responses,
      schemas,
    },
  };
}
