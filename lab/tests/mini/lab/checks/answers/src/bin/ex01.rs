fn main() {
    checks::main_of("ex01", checks::ex01::checks(ex01_add::add));
}
