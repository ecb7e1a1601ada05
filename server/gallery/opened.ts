/** Opens what people open on a page, so that samples show it. */

/** Opens the form of the first active filter. */
export function withOpenChip(page: string): string {
  return page.replace('<details class="menu chip-menu"', '<details open class="menu chip-menu"');
}

/** Shows suggestions below the first field of the first active filter, whose form is open. @param part as the server sends it */
export function withSuggestions(page: string, part: string): string {
  const list = part.replace(/^<div [^>]*>/, '<div class="suggestions">');
  return withOpenChip(page).replace(
    /(<details open.*?<div class="value-field" [^>]*><label>.*?<\/label>)/s,
    (field) => field + list,
  );
}
