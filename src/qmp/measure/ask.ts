/** Questions to a QEMU whose version may not know them. */
import { isList, isMap, type UnknownMap } from '../../lists.js';
import { QmpCommandError, type QmpClient } from '../client.js';

/** What the command returns; undefined where QEMU refuses it. */
export async function askIfKnown(client: QmpClient, command: string, args?: UnknownMap): Promise<unknown> {
  try {
    return await client.execute(command, args);
  } catch (error) {
    if (error instanceof QmpCommandError) return undefined;
    throw error;
  }
}

export function mapIn(value: unknown): UnknownMap {
  return isMap(value) ? value : {};
}

export function mapsIn(value: unknown): readonly UnknownMap[] {
  return isList(value) ? value.filter(isMap) : [];
}

export function numberIn(map: UnknownMap, key: string): number | undefined {
  const value = map[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function textIn(map: UnknownMap, key: string): string | undefined {
  const value = map[key];
  return typeof value === 'string' ? value : undefined;
}

/** Output of a command of the human monitor; empty where it may not be used. */
export async function askHuman(client: QmpClient, line: string): Promise<string> {
  const text = await askIfKnown(client, 'human-monitor-command', { 'command-line': line });
  return typeof text === 'string' ? text : '';
}
