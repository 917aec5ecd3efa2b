/* mailstatus.c - see mailstatus.h. The first row that fits counts. */
#include <stdio.h>

#include "mailstatus.h"
#include "str.h"

/* class 0: of any. */
static const struct {
	int class, subject, detail;
	const char *text;
} enhanced[] = {
	{ 0, 1, 1, "there is no such mailbox" },
	{ 0, 1, 2, "there is no such domain" },
	{ 0, 1, 3, "the address is written wrongly" },
	{ 0, 1, 4, "the address fits more than one mailbox" },
	{ 0, 1, 6, "the mailbox has moved, and nobody knows where" },
	{ 0, 1, 7, "your own address is written wrongly" },
	{ 0, 1, 8, "the server does not believe your own address" },
	{ 0, 1, 10, "that domain takes no mail at all" },
	{ 0, 2, 1, "the mailbox is shut" },
	{ 0, 2, 2, "the mailbox is full" },
	{ 0, 2, 3, "the message is too large for the mailbox" },
	{ 0, 2, 4, "the mailing list does not work" },
	{ 0, 3, 1, "the server has no room" },
	{ 0, 3, 2, "the server takes no mail just now" },
	{ 0, 3, 3, "the server cannot do what this message needs" },
	{ 0, 3, 4, "the message is too large for the server" },
	{ 0, 4, 1, "the next server does not answer" },
	{ 0, 4, 2, "the line to the next server is bad" },
	{ 0, 4, 3, "the server cannot look up where it goes" },
	{ 0, 4, 4, "the server knows no way there" },
	{ 0, 4, 5, "the server has too much to do" },
	{ 0, 4, 6, "the message went round in circles" },
	{ 0, 4, 7, "it could not be delivered in time" },
	{ 0, 5, 3, "too many recipients at once" },
	{ 0, 6, 7, "the server takes no addresses with other than ASCII characters" },
	{ 0, 6, 0, "the server does not take what is in this message" },
	{ 0, 6, 1, "the server does not take what is in this message" },
	{ 0, 7, 2, "you may not write to this list" },
	{ 0, 7, 8, "the name or password is wrong" },
	{ 0, 7, 20, "the signature of your domain (DKIM) is missing or wrong" },
	{ 0, 7, 21, "the signature of your domain (DKIM) is missing or wrong" },
	{ 0, 7, 22, "the signature of your domain (DKIM) is missing or wrong" },
	{ 0, 7, 23, "your domain does not let this server send for it (SPF)" },
	{ 0, 7, 24, "your domain does not let this server send for it (SPF)" },
	{ 0, 7, 25, "the name of the sending server is not in order" },
	{ 0, 7, 26, "your domain does not vouch for this message (SPF, DKIM)" },
	{ 0, 7, 27, "your own domain takes no mail, so it may send none" },
	{ 4, 7, 1, "the server wants it again later" },
	{ 5, 7, 1, "the server does not take this from you" },
	{ 5, 7, 0, "it is against the rules of the server" },
};

/* Where there is no enhanced code, or one that says nothing. */
static const struct {
	int code;
	const char *text;
} plain[] = {
	{ 421, "the server closes for now" },
	{ 450, "the mailbox is busy" },
	{ 451, "something failed at the server" },
	{ 452, "the server has no room" },
	{ 530, "the server wants a login first" },
	{ 535, "the name or password is wrong" },
	{ 550, "there is no such mailbox, or it is not for you" },
	{ 551, "the mailbox is elsewhere" },
	{ 552, "the message is too large, or the mailbox full" },
	{ 553, "the address is not allowed" },
};

const char *
mail_status(const char *words)
{
	int code, class, subject, detail, end = 0;

	if (sscanf(words, "%3d%n", &code, &end) != 1 || end != 3 || code < 400 || code > 599)
		return NULL;
	if (sscanf(words + end, " %1d.%3d.%3d", &class, &subject, &detail) == 3 &&
	    class == code / 100) {
		for (size_t i = 0; i < LEN(enhanced); i++) {
			if (enhanced[i].subject == subject && enhanced[i].detail == detail &&
			    (!enhanced[i].class || enhanced[i].class == class))
				return enhanced[i].text;
		}
		if (subject != 0 || detail != 0)
			return NULL;
	}
	for (size_t i = 0; i < LEN(plain); i++) {
		if (plain[i].code == code)
			return plain[i].text;
	}
	return NULL;
}
