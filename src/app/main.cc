#include "app/program.h"

int main(int argc, char** argv) { return rg::app::run_program(argc, argv); }
