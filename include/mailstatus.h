/* mailstatus.h - what a server's answer to a mail means, for people: the enhanced status codes
 * of RFC 3463 (and RFC 7505, 7372), else the reply code of RFC 5321. */
#ifndef DUNLIN_MAILSTATUS_H
#define DUNLIN_MAILSTATUS_H

/* `words` as in struct send_rcpt: "550 5.1.1 no such user". A sentence without its end ("there
 * is no such mailbox"), or NULL: the codes say no more than the words, or there are none. */
const char *mail_status(const char *words);

#endif
