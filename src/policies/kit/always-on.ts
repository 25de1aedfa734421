/** What a program turns on in its migrations by itself: nothing is left to advise, and its logs are of guests that were held back. */

export interface AlwaysOn {
  /** As the remedy and the strategy are called. */
  readonly name: 'auto-converge' | 'xbzrle';
  /** Whether every version and setting of the program does. */
  readonly why: string;
}

/** By the program. */
export const ALWAYS_ON: Partial<Readonly<Record<string, readonly AlwaysOn[]>>> = {
  // set_migration_caps of qemu-server; old versions leave XBZRLE off.
  proxmox: [
    { name: 'auto-converge', why: 'Proxmox VE turns it on in every migration, from 20 % by 10 %' },
    {
      name: 'xbzrle',
      why: 'current versions of Proxmox VE turn it on in every migration, with a cache of a tenth of the memory',
    },
  ],
  // MigrationPolicies of ovirt-engine's 0000_config.sql.
  ovirt: [
    {
      name: 'auto-converge',
      why: 'every migration policy of oVirt but Legacy turns it on; with Legacy, engine-config -s DefaultAutoConvergence=true does',
    },
  ],
};

/** Whether auto-converge is on in all migrations of a program, or in all but those of users who turn it off. */
export function throttlesAlways(program: string): boolean {
  return ALWAYS_ON[program]?.some(({ name }) => name === 'auto-converge') === true;
}
