/** What is stored was written by a newer version of the program. */
export class NewerSchema extends Error {
  override readonly name = 'NewerSchema';

  /**
   * @param where what was opened, as the operator knows it
   * @param found steps that were done to it
   * @param known steps that this program knows
   */
  constructor(where: string, found: number, known: number) {
    super(
      `${where} was written by a newer version (schema ${found}, this program knows ${known}). Upgrade the program, or restore a backup made by this version.`,
    );
  }
}
