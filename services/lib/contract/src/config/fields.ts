import { z } from 'zod';

/** A TCP port. */
export const port = (standard: number) =>
  z.int().min(0).max(65_535).default(standard).describe('TCP port; 0 takes a free one.');

/** A duration in ms, at least 1. */
export const ms = (standard: number, what: string) =>
  z.int().min(1).default(standard).describe(`${what}, in ms.`);

/** A whole number, at least 1. */
export const count = (standard: number, what: string) => z.int().min(1).default(standard).describe(what);

/** A text that is masked wherever a config is printed. */
export const secret = (what: string) => z.string().default('').meta({ secret: true }).describe(what);
