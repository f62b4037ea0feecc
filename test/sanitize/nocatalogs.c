/*
 * nocatalogs.c
 *	  No message catalogues: the C library's functions that choose one.
 *
 * Where libasan is loaded before a program, the lock of the C library's
 * catalogues may be left as if it was let go of once more than taken; who then
 * wants it for itself, as these functions do, waits forever.
 */
#include <stddef.h>

char	   *bindtextdomain(const char *domain, const char *folder);
char	   *bind_textdomain_codeset(const char *domain, const char *codeset);
char	   *textdomain(const char *domain);

char *
bindtextdomain(const char *domain, const char *folder)
{
	return (char *) folder;
}

char *
bind_textdomain_codeset(const char *domain, const char *codeset)
{
	return (char *) codeset;
}

char *
textdomain(const char *domain)
{
	return (char *) domain;
}
