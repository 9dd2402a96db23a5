/**
 * How many times the settings of the config have grown in ways that a config written by another program may use: a
 * process refuses a config with settings that it does not know, so a program that writes one for processes of several
 * versions must know what they take. Each process reports its level in `/status`; those of before 1 report none.
 *
 * Raise it when the operator learns to render a setting that the last release refuses, and name the fields in the
 * operator's table of the same name.
 */
export const SETTINGS_LEVEL = 2;
