#include "clibav.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#define CLIBAV_STRING_OF(x) #x
#define CLIBAV_STRING(x) CLIBAV_STRING_OF(x)
/// The name carries the version whose structures the headers describe.
#define CLIBAV_FILE(name, major) "lib" name ".so." CLIBAV_STRING(major)

static clibav_functions functions;
static bool is_loaded;
static char problem[256];

static void *open_library(const char *file) {
    void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (!library) snprintf(problem, sizeof problem, "%s", dlerror());
    return library;
}

static void *find(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (!function && !problem[0]) snprintf(problem, sizeof problem, "%s", dlerror());
    return function;
}

static void load(void) {
    void *format = open_library(CLIBAV_FILE("avformat", LIBAVFORMAT_VERSION_MAJOR));
    void *codec = format ? open_library(CLIBAV_FILE("avcodec", LIBAVCODEC_VERSION_MAJOR)) : NULL;
    void *util = codec ? open_library(CLIBAV_FILE("avutil", LIBAVUTIL_VERSION_MAJOR)) : NULL;
    if (!util) return;
#define CLIBAV_FIND(library, name) \
    functions.name = (__typeof__(name) *)find(library, #name);
#define CLIBAV_FIND_FORMAT(name) CLIBAV_FIND(format, name)
#define CLIBAV_FIND_CODEC(name) CLIBAV_FIND(codec, name)
#define CLIBAV_FIND_UTIL(name) CLIBAV_FIND(util, name)
    CLIBAV_FORMAT(CLIBAV_FIND_FORMAT)
    CLIBAV_CODEC(CLIBAV_FIND_CODEC)
    CLIBAV_UTIL(CLIBAV_FIND_UTIL)
    is_loaded = !problem[0];
    // libav prints to stderr by itself; its errors reach the user through return codes instead.
    if (is_loaded) functions.av_log_set_level(AV_LOG_QUIET);
}

const clibav_functions *clibav_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return is_loaded ? &functions : NULL;
}

const char *clibav_problem(void) { return problem; }
