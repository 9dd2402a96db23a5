/** Of what needs attention soon; white text on it has a contrast of 6, which orange of the theme has not. */
export const WARNING = '#a63a08';

/** Of what is as it should be. */
export const GOOD = 'teal.9';
/** Of what has failed, or is refused. */
export const BAD = 'red.9';
/** Of what is over, or not known. */
export const NEUTRAL = 'gray.7';
