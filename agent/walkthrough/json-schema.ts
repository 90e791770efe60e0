/**
 * The JSON Schema (2020-12) of walkthroughs, generated from the schema that checks them, for editors and other programs.
 * Whether the steps can follow each other, no schema says: `unlockctl walkthrough check` does.
 */
import * as z from 'zod';
import { walkthroughSchema } from './schema.ts';

export const walkthroughJsonSchema = (): Readonly<Record<string, unknown>> => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'unlockd walkthrough, version 1',
  ...z.toJSONSchema(walkthroughSchema, { io: 'input', target: 'draft-2020-12' }),
});
