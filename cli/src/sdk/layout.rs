//! Lines as rustfmt breaks them where nobody has told it otherwise: an attribute, a signature, a field, each on one line if it fits.
//!
//! It never looks at a name: what is too long in itself stays as it is.
//! Source: the default configuration of rustfmt in the style of edition 2024: `max_width` 100, `attr_fn_like_width` 70.

/// Columns of a line at most.
const WIDTH: usize = 100;
/// Columns of several arguments of an attribute on one line at most.
const ATTRIBUTE_WIDTH: usize = 70;
/// How far lines stand in below others.
const STEP: usize = 4;

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// A struct, a trait, a method of one, or a constant of an enum.
    Item,
    /// A field or a parameter, whose comma counts.
    Part,
}

/// A parameter of a method.
#[derive(Debug)]
pub struct Parameter {
    /// What `#[java("…")]` says of it.
    pub java: Option<String>,
    pub name: char,
    pub ty: String,
}

/// `#[path(said, said)]`, without a line's end.
pub fn attribute(indent: usize, path: &str, said: &[String], before: Before) -> String {
    let one = said.join(", ");
    let line = format!("{}#[{path}({one})]", spaces(indent));
    let comma = usize::from(before == Before::Part);
    if width(&line) + comma <= WIDTH && (said.len() == 1 || width(&one) <= ATTRIBUTE_WIDTH) {
        return line;
    }
    let lines = said.join(&format!(",\n{}", spaces(indent + STEP)));
    format!("{0}#[{path}(\n{1}{lines}\n{0})]", spaces(indent), spaces(indent + STEP))
}

/// `async fn name(&self, …) -> …;` in a trait, with its line's end.
pub fn signature(name: &str, parameters: &[Parameter], gives: &str) -> String {
    let java = |parameter: &Parameter, indent| {
        let said = parameter.java.as_ref().map(|java| [format!("{java:?}")]);
        said.map(|said| attribute(indent, "java", &said, Before::Part))
    };
    let on_one: String = parameters
        .iter()
        .map(|parameter| {
            let java = java(parameter, 0).map(|java| java + " ").unwrap_or_default();
            format!(", {java}{}: {}", parameter.name, parameter.ty)
        })
        .collect();
    let one = format!("{}async fn {name}(&self{on_one}) -> {gives};", spaces(STEP));
    if width(&one) <= WIDTH && !one.contains('\n') {
        return one + "\n";
    }
    let indent = 2 * STEP;
    let mut lines = format!("{}async fn {name}(\n{}&self,\n", spaces(STEP), spaces(indent));
    for parameter in parameters {
        let (java, name) = (java(parameter, indent), parameter.name);
        let bare = format!("{name}: {}", parameter.ty);
        let line = java.as_ref().map(|java| format!("{java} {bare},"));
        match line.filter(|line| width(line) <= WIDTH && !line.contains('\n')) {
            Some(line) => lines.push_str(&line),
            None => {
                lines.extend(java.map(|java| java + "\n"));
                let ty = broken(&parameter.ty, indent, indent + 3, 1);
                lines.push_str(&format!("{}{name}: {ty},", spaces(indent)));
            }
        }
        lines.push('\n');
    }
    // rustfmt counts neither the parenthesis before what a method gives nor the semicolon behind it.
    let gives = broken(gives, STEP, STEP + "-> ".len(), 0);
    format!("{lines}{}) -> {gives};\n", spaces(STEP))
}

/// `pub name: ty,` in a struct, with its line's end.
pub fn field(name: &str, ty: &str) -> String {
    let one = format!("{}pub {name}: {ty},", spaces(STEP));
    if width(&one) <= WIDTH {
        return one + "\n";
    }
    let below = format!("{}{ty},", spaces(2 * STEP));
    if width(&below) <= WIDTH {
        return format!("{}pub {name}:\n{below}\n", spaces(STEP));
    }
    let column = width(name) + STEP + "pub : ".len();
    format!("{}pub {name}: {},\n", spaces(STEP), broken(ty, STEP, column, 1))
}

/// A type that begins at this column and has so many columns behind it: the arguments of a generic one below each other, if it does not fit.
fn broken(ty: &str, indent: usize, column: usize, behind: usize) -> String {
    let inside = ty.strip_suffix('>').and_then(|ty| ty.split_once('<'));
    let Some((name, inside)) = inside.filter(|_| column + width(ty) + behind > WIDTH) else { return ty.to_owned() };
    let inner = indent + STEP;
    let lines = arguments(inside).map(|one| format!("{}{},\n", spaces(inner), broken(one, inner, inner, 1)));
    format!("{name}<\n{}{}>", lines.collect::<String>(), spaces(indent))
}

/// The arguments of a generic type.
fn arguments(inside: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    inside
        .split(move |c| {
            depth += i32::from(matches!(c, '<' | '(' | '[')) - i32::from(matches!(c, '>' | ')' | ']'));
            c == ',' && depth == 0
        })
        .map(str::trim)
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn spaces(count: usize) -> String {
    " ".repeat(count)
}
