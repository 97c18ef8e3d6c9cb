import { z } from 'zod';

/** Keys with this beginning are made for development, and production refuses them. */
export const DEVELOPMENT_KEY_PREFIX = 'hf_dev_';
/** 32 characters of base64url carry 192 bits. */
const ROOT_KEY_LENGTH = { min: 32, max: 512 } as const;

/** The settings that say who may come in. */
export const accessSettings = {
  env: z
    .enum(['development', 'production'])
    .default('development')
    .describe('`production` refuses what is meant for development: no authentication, development keys.'),
  auth: z
    .enum(['required', 'off'])
    .default('required')
    .describe('`off` lets everybody do everything; only in development.'),
  rootKey: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces')
    .min(ROOT_KEY_LENGTH.min)
    .max(ROOT_KEY_LENGTH.max)
    .optional()
    .describe(
      `The operator's key, which may do everything: ${ROOT_KEY_LENGTH.min} to ${ROOT_KEY_LENGTH.max} characters. A secret: better as a file, HOLDFAST_ROOT_KEY_FILE.`,
    ),
};

export type AccessSettings = z.output<z.ZodObject<typeof accessSettings>>;

/** What is wrong with the settings taken together, one sentence each. */
export function accessProblems({ env, auth, rootKey }: AccessSettings): string[] {
  const problems: string[] = [];
  if (auth === 'off') {
    if (env === 'production') problems.push('HOLDFAST_AUTH: off is refused in production');
    return problems;
  }
  if (rootKey === undefined) {
    problems.push(
      'HOLDFAST_ROOT_KEY: is missing, so nobody could come in; set it, or HOLDFAST_AUTH=off for development',
    );
  }
  if (env === 'production' && rootKey?.startsWith(DEVELOPMENT_KEY_PREFIX) === true) {
    problems.push('HOLDFAST_ROOT_KEY: a development key is refused in production');
  }
  return problems;
}
