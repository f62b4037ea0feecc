/*
 * memory.c
 *	  Memory contexts: trees of allocations.
 */
#include "server.h"

#include "utils/memutils.h"

/* more than any operation on the indexes here has a use for */
#define MOST_MEMORY		((Size) 512 * 1024 * 1024)

typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *before;
	struct Context *context;
	Size		size;
} Chunk;

typedef struct Context
{
	MemoryContextData data;
	struct Context *parent;
	struct Context *children;
	struct Context *next;
	Chunk		chunks;			/* a ring */
	MemoryContextCallback *callbacks;
} Context;

MemoryContext CurrentMemoryContext = NULL;
MemoryContext TopMemoryContext = NULL;
MemoryContext CacheMemoryContext = NULL;

static Size allocated;

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name,
							  Size minContextSize, Size initBlockSize,
							  Size maxBlockSize)
{
	Context    *context = calloc(1, sizeof(Context));

	context->data.name = name;
	context->parent = (Context *) parent;
	context->chunks.next = context->chunks.before = &context->chunks;
	if (context->parent)
	{
		context->next = context->parent->children;
		context->parent->children = context;
	}
	return &context->data;
}

void
memory_begin(void)
{
	TopMemoryContext = AllocSetContextCreateInternal(NULL, "top", 0, 0, 0);
	CurrentMemoryContext = CacheMemoryContext = TopMemoryContext;
}

void
MemoryContextRegisterResetCallback(MemoryContext data, MemoryContextCallback *callback)
{
	Context    *context = (Context *) data;

	callback->next = context->callbacks;
	context->callbacks = callback;
}

static void
leave_parent(Context *context)
{
	Context   **link = &context->parent->children;

	while (*link != context)
		link = &(*link)->next;
	*link = context->next;
}

void
MemoryContextSetParent(MemoryContext data, MemoryContext parent)
{
	Context    *context = (Context *) data;

	leave_parent(context);
	context->parent = (Context *) parent;
	context->next = context->parent->children;
	context->parent->children = context;
}

/* nobody here has to keep within a limit */
Size
MemoryContextMemAllocated(MemoryContext context, bool recurse)
{
	return 0;
}

static void
release(Chunk *chunk)
{
	chunk->next->before = chunk->before;
	chunk->before->next = chunk->next;
	allocated -= chunk->size;
	free(chunk);
}

void
MemoryContextReset(MemoryContext data)
{
	Context    *context = (Context *) data;

	while (context->children)
		MemoryContextDelete(&context->children->data);
	while (context->callbacks)
	{
		MemoryContextCallback *callback = context->callbacks;

		context->callbacks = callback->next;
		callback->func(callback->arg);
	}
	while (context->chunks.next != &context->chunks)
		release(context->chunks.next);
}

void
MemoryContextDelete(MemoryContext data)
{
	Context    *context = (Context *) data;

	MemoryContextReset(data);
	leave_parent(context);
	free(context);
}

/*
 * All allocations: each apart from all others, of exactly the size, and full
 * of what no pointer or number should be.
 */
void *
MemoryContextAllocExtended(MemoryContext data, Size size, int flags)
{
	Context    *context = (Context *) data;
	Chunk	   *chunk;

	if (!(flags & MCXT_ALLOC_HUGE) && !AllocSizeIsValid(size))
		elog(ERROR, "invalid memory alloc request size %zu", size);
	if (size > MOST_MEMORY || allocated > MOST_MEMORY)
		fault("an allocation of %zu bytes beside %zu", size, allocated);
	chunk = malloc(sizeof(Chunk) + size);
	chunk->context = context;
	chunk->size = size;
	chunk->next = context->chunks.next;
	chunk->before = &context->chunks;
	chunk->next->before = chunk;
	context->chunks.next = chunk;
	allocated += size;
	memset(chunk + 1, flags & MCXT_ALLOC_ZERO ? 0 : 0x7F, size);
	return chunk + 1;
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, 0);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_ZERO);
}

void *
MemoryContextAllocZeroAligned(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_ZERO);
}

void *
MemoryContextAllocHuge(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_HUGE);
}

void *
palloc(Size size)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, 0);
}

void *
palloc0(Size size)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, MCXT_ALLOC_ZERO);
}

void *
palloc_extended(Size size, int flags)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, flags);
}

void
pfree(void *pointer)
{
	release((Chunk *) pointer - 1);
}

static void *
resize(void *pointer, Size size, int flags)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;
	void	   *resized = MemoryContextAllocExtended(&chunk->context->data, size, flags);

	memcpy(resized, pointer, Min(size, chunk->size));
	release(chunk);
	return resized;
}

void *
repalloc(void *pointer, Size size)
{
	return resize(pointer, size, 0);
}

void *
repalloc_huge(void *pointer, Size size)
{
	return resize(pointer, size, MCXT_ALLOC_HUGE);
}

char *
pnstrdup(const char *in, Size length)
{
	Size		size = strnlen(in, length);
	char	   *out = palloc(size + 1);

	memcpy(out, in, size);
	out[size] = '\0';
	return out;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

char *
psprintf(const char *format,...)
{
	char		text[1024];
	va_list		args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return pstrdup(text);
}
