/*
 * pause.h
 *	  Points at which a test can hold up a backend; nothing in a normal build.
 *
 * With -DVECFEAT_TEST, IVF_PAUSE("point") waits for an advisory lock when the
 * setting ivf.pause_at names the point.  test/races shows how it is used.
 */
#ifndef VECFEAT_PAUSE_H
#define VECFEAT_PAUSE_H

#ifdef VECFEAT_TEST
extern void ivf_pause_define(void);
extern void ivf_pause(const char *point);

#define IVF_PAUSE(point)	ivf_pause(point)
#else
#define ivf_pause_define()	((void) 0)
#define IVF_PAUSE(point)	((void) 0)
#endif

#endif							/* VECFEAT_PAUSE_H */
