/** Shows text from outside to people without letting it act on the terminal, the log or the text around it. */

/**
 * Characters that act instead of being seen: controls, with which terminals move the cursor, change colors and run commands; line
 * separators, which forge lines; and those that change the direction of the text around them.
 * https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */
const ACTING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * Writes characters that act as escapes of JSON: U+001B becomes `\u001b`. In a JSON text on one line, the escapes stand for the
 * same characters.
 */
export function visibleText(text: string): string {
  return text.replace(ACTING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Does the same for a text of several lines, which stay lines. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visibleText).join('\n');
}
