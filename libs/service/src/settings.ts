import { readFileSync } from 'node:fs';
import { LOG_LEVELS } from '@holdfast/telemetry';
import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Names a JSON file with settings, keys as in the schema. */
export const CONFIG_FILE_VARIABLE = 'HOLDFAST_CONFIG';

/** The configuration cannot be used; the message lists every problem, one a line. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads the settings of a process: the environment (`HOLDFAST_HTTP_PORT` for `httpPort`) over what the variable with
 * `_FILE` behind its name points to (for secrets) over the file that `HOLDFAST_CONFIG` names over the schema's default.
 *
 * @throws SettingsError with all problems at once.
 */
export function readSettings<S extends z.ZodObject>(schema: S, environment: Environment): z.output<S> {
  const problems: string[] = [];
  const file = readConfigFile(environment[CONFIG_FILE_VARIABLE], problems);
  const keys = Object.keys(schema.shape);
  for (const key of Object.keys(file)) {
    if (!keys.includes(key)) problems.push(`${key}: there is no such setting; there are ${keys.join(', ')}`);
  }
  const values: Record<string, unknown> = {};
  for (const key of keys) {
    const value = valueOf(variableOf(key), environment, problems) ?? file[key];
    if (value !== undefined) values[key] = value;
  }
  const result = schema.safeParse(values);
  if (!result.success) {
    for (const { path, message } of result.error.issues) {
      const [key, ...inside] = path;
      const where = [variableOf(String(key)), ...inside.map(String)].join(' ');
      problems.push(`${where}: ${key !== undefined && String(key) in values ? message : 'is missing'}`);
    }
  }
  if (problems.length > 0 || !result.success) throw new SettingsError(problems);
  return result.data;
}

/** `httpPort` is set by `HOLDFAST_HTTP_PORT`. */
export function variableOf(key: string): string {
  return `HOLDFAST_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function valueOf(variable: string, environment: Environment, problems: string[]): string | undefined {
  const value = environment[variable];
  if (value !== undefined && value !== '') return value;
  const path = environment[`${variable}_FILE`];
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch (error) {
    problems.push(`${variable}_FILE: ${messageOf(error)}`);
    return undefined;
  }
}

function readConfigFile(path: string | undefined, problems: string[]): Readonly<Record<string, unknown>> {
  if (path === undefined || path === '') return {};
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return { ...content };
    problems.push(`${CONFIG_FILE_VARIABLE}: ${path} does not hold a JSON object`);
  } catch (error) {
    problems.push(`${CONFIG_FILE_VARIABLE}: ${path}: ${messageOf(error)}`);
  }
  return {};
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const NODE_ID_MAX = 0xffff_ffff;

/** A TCP port that can be written down: 1 .. 65535. */
export const portSetting = z.coerce.number().int().min(1).max(65_535);

/** Milliseconds, at least 1. */
export const millisecondsSetting = z.coerce.number().int().min(1).max(3_600_000);

/** Names a cluster. */
export const clusterIdSetting = z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits');

/** From which level on an app logs. */
export const logLevelSetting = z
  .enum(LOG_LEVELS)
  .default('info')
  .describe(`One of ${LOG_LEVELS.join(', ')}.`);

/** `host:port`; an IPv6 host stands in brackets. */
export const addressSetting = z.string().regex(/^(\[[^\]]+\]|[^:[\]\s]+):\d{1,5}$/, 'host:port');

/** At least one item: an array in the file, separated by commas in the environment. */
export function listSetting<T extends z.ZodType>(item: T) {
  const split = (value: unknown): unknown =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : value;
  return z.preprocess(split, z.array(item).min(1));
}

/** `<node id>=<rest>`, as in `1=127.0.0.1:7711`. */
export function numberedSetting<T extends z.ZodType<string>>(rest: T) {
  return z.string().transform((text, context) => {
    const at = text.indexOf('=');
    const id = Number(text.slice(0, Math.max(0, at)));
    const value = rest.safeParse(text.slice(at + 1));
    if (Number.isInteger(id) && id >= 1 && id <= NODE_ID_MAX && value.success)
      return { id, value: value.data };
    context.addIssue(`${text}: expected <node id>=${value.success ? '…' : value.error.issues[0]?.message}`);
    return z.NEVER;
  });
}
