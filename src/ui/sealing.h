/* sealing.h - what a draft is signed with and encrypted to: found, and asked about, before it
 * is sent. */
#ifndef DUNLIN_UI_SEALING_H
#define DUNLIN_UI_SEALING_H

#include "gnupg.h"
#include "writing.h"

/* What the sender's account says of signing and encrypting; what is set already stays. */
void sealing_defaults(struct compose *x);
void sealing_toggle(struct compose *x, enum command_id what);	/* CMD_SIGN, CMD_ENCRYPT */
/* "signed and encrypted (OpenPGP)"; "": neither. */
void sealing_describe(struct compose *x, struct str *out);
/* Finds the keys, asks where some are missing, and then sends it (building_send), with
 * x->plan. Never in clear what was to be encrypted, unless the person says so. */
void sealing_send(struct compose *x);

#endif
