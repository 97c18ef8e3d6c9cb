import { z } from 'zod';

/** Keys with this beginning are made for development, and production refuses them. */
export const DEVELOPMENT_KEY_PREFIX = 'hf_dev_';
/** 32 characters of base64url carry 192 bits. */
const ROOT_KEY_LENGTH = { min: 32, max: 512 } as const;

function perSecond(what: string) {
  return z.coerce
    .number()
    .positive()
    .max(1e9)
    .optional()
    .describe(`${what}, at this gateway, unless its token says otherwise; the root key has no limits.`);
}

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
  jwtKeys: z
    .string()
    .min(1)
    .optional()
    .describe('Public keys that JWTs are signed with: a file or an https URL of a JSON Web Key Set.'),
  jwtIssuer: z
    .url()
    .optional()
    .describe(
      'Issuer that JWTs must name; without HOLDFAST_JWT_KEYS, it is asked where its keys are (OpenID).',
    ),
  jwtAudience: z.string().min(1).optional().describe('Audience that JWTs must name; required for JWTs.'),
  jwtClockToleranceSeconds: z.coerce
    .number()
    .int()
    .min(0)
    .max(300)
    .default(30)
    .describe("How far the issuer's clock may be from ours."),
  limitRequestsPerSecond: perSecond('Requests per second of each principal'),
  limitBytesPerSecond: perSecond('Bytes of bodies per second of each principal'),
  limitWatchers: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      'Open watches of each principal, at this gateway, unless its token says otherwise; the root key has no limits.',
    ),
};

export type AccessSettings = z.output<z.ZodObject<typeof accessSettings>>;

/** What is wrong with the settings taken together, one sentence each. */
export function accessProblems(settings: AccessSettings): string[] {
  const { env, auth, rootKey, jwtKeys, jwtIssuer, jwtAudience } = settings;
  const problems: string[] = [];
  const takesJwts = jwtKeys !== undefined || jwtIssuer !== undefined;
  if (auth === 'off') {
    if (env === 'production') problems.push('HOLDFAST_AUTH: off is refused in production');
    return problems;
  }
  if (rootKey === undefined && !takesJwts) {
    problems.push(
      'HOLDFAST_ROOT_KEY: is missing, so nobody could come in; set it, HOLDFAST_JWT_KEYS, or HOLDFAST_AUTH=off for development',
    );
  }
  if (env === 'production' && rootKey?.startsWith(DEVELOPMENT_KEY_PREFIX) === true) {
    problems.push('HOLDFAST_ROOT_KEY: a development key is refused in production');
  }
  if (takesJwts && jwtAudience === undefined) {
    problems.push('HOLDFAST_JWT_AUDIENCE: is missing; without it, tokens for any other service would do');
  }
  if (!takesJwts && jwtAudience !== undefined) {
    problems.push('HOLDFAST_JWT_AUDIENCE: needs HOLDFAST_JWT_KEYS or HOLDFAST_JWT_ISSUER');
  }
  for (const [name, value] of [
    ['HOLDFAST_JWT_KEYS', jwtKeys],
    ['HOLDFAST_JWT_ISSUER', jwtIssuer],
  ] as const) {
    if (env === 'production' && value?.startsWith('http:') === true) {
      problems.push(`${name}: http is refused in production: whoever is on the way could change the keys`);
    }
  }
  return problems;
}
