/** A failure to open data that a newer version of the program wrote. */
export class NewerSchema extends Error {
  override readonly name = 'NewerSchema';

  /**
   * @param where the name of what was opened, in the operator's terms
   * @param found the number of migration steps applied to it
   * @param known the number of migration steps that this program knows
   */
  constructor(where: string, found: number, known: number) {
    super(
      `${where} was written by a newer version: schema ${found}, but this version supports up to ${known}. Upgrade AttractOS, or restore a backup made by this version.`,
    );
  }
}
